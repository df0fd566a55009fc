import type { Logger } from '../platform/logger.js';
import type { Db } from '../db/connection.js';
import type { NewId } from '../domain/ids.js';
import type { PayoutGateway } from './gateways/payoutGateway.js';

/** What activities are given; constructed once in bin/worker.ts. */
export interface ActivityDeps {
  readonly db: Db;
  /** A pool of its own with a statement timeout of 10 min: plan pages, exports, back-tests (architecture.md 9). */
  readonly longDb: Db;
  readonly newId: NewId;
  /** PUBLIC_URL: where the links begin that mails hold. */
  readonly publicUrl?: string;
  readonly logger: Logger;
  /** By adapter name: `sandbox`, `manual` … */
  readonly payoutGateways: ReadonlyMap<string, PayoutGateway>;
  /** Crash points of the fault tests inside a transaction (reliability.md 6.2). */
  readonly reached?: (point: string) => void;
}
