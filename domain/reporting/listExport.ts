import type { Permission } from '../access/permission.js';
import type { Audience } from '../access/session.js';
import type { Actor, Mode } from '../act.js';
import type { AffiliateId, Id, WorkspaceId } from '../ids.js';
import { addMs, type Instant } from '../time.js';

/** The kind of job that writes a list into a file (api.md 16.2): no decisions, one file. */
export const exportKind = 'lists.export';

export const exportFormats = ['csv', 'pdf'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Above this a list is no answer of a request any more: a job makes the file (api.md 1.6). Rows. */
export const mostStreamedRows = 5_000;
/** Above this nobody reads a PDF: CSV is offered (screens.md 1.1). Rows. */
export const mostPdfRows = 20_000;
/** Files that one person may have in the making: each holds a transaction and a worker's place while it is read. */
export const mostOpenExports = 3;
const keptMs = 24 * 3_600_000;

/** Until when a file that is ready now may be fetched (api.md 16.2). */
export function exportExpiry(readyAt: Instant): Instant {
  return addMs(readyAt, keptMs);
}

/**
 * Who asked, as the server knew them then: the file has the rows that they saw, with the masks that they saw. It reaches nobody else, and
 * whoever fetches it is judged again.
 */
export interface ExportAsker {
  readonly via: 'session' | 'key';
  readonly audience: Audience;
  readonly permissions: readonly Permission[];
  readonly assignedOnly: readonly Permission[];
  readonly limited: readonly Permission[];
  /** The record of an affiliate's session or key; null: the workspace. */
  readonly affiliateId: AffiliateId | null;
}

/** A list as it is to be written: what the API's own list is asked for, by whom. */
export interface ExportOrder {
  readonly id: Id<'export'>;
  readonly workspaceId: WorkspaceId;
  readonly mode: Mode;
  /** The list's path behind `/v1/`. */
  readonly resource: string;
  /** The list's own query: filters and order. */
  readonly query: Readonly<Record<string, string>>;
  /** Fields in the order wanted; null: all. */
  readonly columns: readonly string[] | null;
  readonly format: ExportFormat;
  readonly actor: Actor;
  readonly asker: ExportAsker;
  readonly requestId: string | null;
  readonly createdAt: Instant;
}
