import type { AffiliateId, WorkspaceId } from '../../../domain/ids.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** An affiliate that a mail can reach. */
export interface Recipient {
  readonly id: AffiliateId;
  readonly name: string;
  readonly email: string;
  /** Two letters; null: none was chosen. */
  readonly language: string | null;
  readonly workspaceName: string;
}

// Whom of these affiliates can a mail reach, and how are they and their merchant called? Erased ones are left out.
export async function readRecipients(
  tx: ReadTx | Tx,
  workspaceId: WorkspaceId,
  affiliateIds: readonly string[],
): Promise<ReadonlyMap<string, Recipient>> {
  const { rows } = await tx.raw<{
    rows: { id: AffiliateId; name: string; email: string; language: string | null; workspace_name: string }[];
  }>(
    `select affiliate.id, affiliate.name, affiliate.email, affiliate.language, workspace.name as workspace_name
     from affiliates as affiliate join workspaces as workspace on workspace.id = :workspaceId
     where affiliate.id = any(cast(:affiliateIds as text[])) and affiliate.email is not null`,
    { workspaceId, affiliateIds: [...affiliateIds] },
  );
  return new Map(
    rows.map(({ id, name, email, language, workspace_name: workspaceName }) => [
      id,
      { id, name, email, language, workspaceName },
    ]),
  );
}
