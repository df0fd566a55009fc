import type { Context } from 'koa';
import type { Db, EdgeDb } from '../db/connection.js';
import type { NewId } from '../domain/ids.js';
import type { GatewayDesk } from '../domain/payout/gateway.js';
import type { Config } from '../platform/config.js';
import type { DomainChecker } from '../platform/domainCheck.js';
import type { Engine } from '../platform/engineState.js';
import type { HeadKeeper } from '../platform/headKeeper.js';
import type { LiveHistories } from '../platform/liveHistories.js';
import type { Logger } from '../platform/logger.js';
import type { Passwords } from '../platform/passwords.js';
import type { Secrets } from '../platform/secrets.js';
import type { ApiLog } from './apiLog.js';
import type { KnownSessions } from './auth.js';
import type { DecisionOutcomes } from './decisionOutcome.js';
import type { RateLimiter } from './rateLimit.js';
import type { SignInGuard } from './signInGuard.js';

/** What handlers are given beside the request; constructed once in bin/api.ts and test/api/support.ts. Add what your routes need. */
export interface ApiDeps {
  readonly db: Db;
  /** A pool of its own with a statement timeout of 10 min: exports, previews, checks of the books (architecture.md 9). */
  readonly longDb: Db;
  readonly edgeDb: EdgeDb;
  readonly config: Config;
  readonly newId: NewId;
  readonly logger: Logger;
  readonly secrets: Secrets;
  readonly outcomes: DecisionOutcomes;
  /** Heads of the audit chain, kept outside the database. */
  readonly heads: HeadKeeper;
  /** Histories of runs that are not archived yet: the one read that asks Temporal. */
  readonly liveHistories: LiveHistories;
  /** What Temporal says of its own health: the System screen's. */
  readonly engine: Engine;
  readonly rateLimiter: RateLimiter;
  readonly knownSessions: KnownSessions;
  /** Payout providers as the API needs them: trying credentials, checking what they report. By gateway. */
  readonly gatewayDesks: ReadonlyMap<string, GatewayDesk>;
  /** The log of machines' calls and of what public edges were sent. */
  readonly apiLog: ApiLog;
  readonly passwords: Passwords;
  readonly signInGuard: SignInGuard;
  /** Is a link domain its workspace's, and does it lead here? */
  readonly checkDomain: DomainChecker;
  /** Address of the caller, through trusted proxies only. */
  readonly clientAddress: (request: Context['req']) => string;
  /** As a proxy of ours says, in capital letters; null, or without this: unknown. */
  readonly countryOf?: (request: Context['req']) => string | null;
}
