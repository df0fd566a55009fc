import { connectedGateways } from '../activities/gateways/connected.js';
import { createApiLog } from '../api/apiLog.js';
import { clientAddressOf, countryOfRequest, KnownSessions } from '../api/auth.js';
import { createDecisionOutcomes } from '../api/decisionOutcome.js';
import { createRateLimiter } from '../api/rateLimit.js';
import type { ApiDeps } from '../api/deps.js';
import { createSignInGuard } from '../api/signInGuard.js';
import type { Db, EdgeDb } from '../db/connection.js';
import { clockNow } from '../platform/clock.js';
import type { Config } from '../platform/config.js';
import { createDomainChecker } from '../platform/domainCheck.js';
import { temporalEngine } from '../platform/engineState.js';
import { HeadKeeper, headsFolder } from '../platform/headKeeper.js';
import { temporalLiveHistories } from '../platform/liveHistories.js';
import type { Logger } from '../platform/logger.js';
import { newId } from '../platform/newId.js';
import { fetchOutside, gatewayRules } from '../platform/outbound.js';
import { createPasswords } from '../platform/passwords.js';
import { createSecrets } from '../platform/secrets.js';
import type { TemporalClient } from '../platform/temporalClient.js';

/**
 * What handlers are given, made from the environment and the process's pools: by the API for requests, by a worker for the lists that it writes
 * into files. The caller ends the pools and the client, and `apiLog` before them, and `outcomes`.
 */
export function createApiDeps(of: {
  readonly config: Config;
  readonly logger: Logger;
  readonly db: Db;
  readonly longDb: Db;
  readonly edgeDb: EdgeDb;
  readonly temporal: TemporalClient;
}): ApiDeps {
  const { config, logger, db, longDb, edgeDb, temporal } = of;
  const clientAddress = clientAddressOf(config.http.trustProxy);
  return {
    db,
    longDb,
    edgeDb,
    config,
    newId,
    logger,
    secrets: createSecrets(config.secretKeys),
    outcomes: createDecisionOutcomes({ db, url: config.database.url, logger }),
    heads: new HeadKeeper(headsFolder(config.dataDir)),
    liveHistories: temporalLiveHistories(temporal.client),
    engine: temporalEngine(temporal, config.temporal.namespace),
    rateLimiter: createRateLimiter(clientAddress),
    knownSessions: new KnownSessions(),
    gatewayDesks: new Map(
      connectedGateways({
        ask: (address, call) => fetchOutside(address, gatewayRules(config), call),
        now: clockNow,
        instead: config.gatewayOrigins,
      }).map((gateway) => [gateway.adapter, gateway]),
    ),
    apiLog: createApiLog({ db, logger }),
    passwords: createPasswords(),
    signInGuard: createSignInGuard(),
    checkDomain: createDomainChecker({ publicUrl: config.http.publicUrl, allow: config.outboundAllow }),
    clientAddress,
    countryOf: countryOfRequest(config.http.trustProxy, config.http.countryHeader),
  };
}
