import type { AffiliateId, ApiKeyId, LeadSourceId, ProgramId, UserId } from '../../../domain/ids.js';
import type { AcquisitionModel } from '../../../domain/tracking/leadRouting.js';
import { type CustomField, type CustomFieldRow, toCustomField } from '../../tracking/customField.js';
import type { ReadTx, Tx } from '../../transaction.js';

/** What decides where a lead goes and what it opens. */
export interface IntakeRules {
  /** The source that is named, else the key's; undefined: none; `active` false: it takes no leads. */
  readonly source:
    | {
        readonly id: LeadSourceId;
        readonly active: boolean;
        readonly department: string | null;
        /** Null: nobody, or somebody who is not active any more. */
        readonly assigneeId: UserId | null;
        readonly leadAcceptance: 'automatic' | 'manual' | null;
      }
    | undefined;
  readonly affiliateAgentId: UserId | null;
  readonly formAssigneeId: UserId | null;
  /** The key's own, else its program's. */
  readonly acquisitionModel: AcquisitionModel | null;
  readonly keyOpensAccount: boolean | null;
  readonly customFields: readonly CustomField[];
}

interface RulesRow {
  readonly source_id: LeadSourceId | null;
  readonly source_active: boolean | null;
  readonly department: string | null;
  readonly source_assignee: UserId | null;
  readonly lead_acceptance: 'automatic' | 'manual' | null;
  readonly affiliate_agent: UserId | null;
  readonly form_assignee: UserId | null;
  readonly acquisition_model: AcquisitionModel | null;
  readonly open_account: boolean | null;
  readonly custom_fields: readonly CustomFieldRow[] | null;
}

// Which source, agents and fields does a lead of this key, form, affiliate and program meet?
export async function readIntakeRules(
  tx: ReadTx | Tx,
  of: {
    readonly keyId: ApiKeyId | null;
    readonly sourceId: string | null;
    readonly affiliateId: AffiliateId | null;
    readonly programId: ProgramId | null;
    readonly formAssigneeId: string | null;
  },
): Promise<IntakeRules> {
  const active = `users.status = 'active' and users.audience = 'staff'`;
  const { rows } = await tx.raw<{ rows: RulesRow[] }>(
    `
    select source.id as source_id, source.active as source_active, source.department, source.lead_acceptance,
           (select id from users where users.id = source.assignee_id and ${active}) as source_assignee,
           (select users.id from affiliates join users on (users.workspace_id, users.id) = (affiliates.workspace_id, affiliates.lead_agent_id)
            where affiliates.id = :affiliateId and ${active}) as affiliate_agent,
           (select id from users where users.id = :formAssigneeId and ${active}) as form_assignee,
           coalesce(key.acquisition_model, (select acquisition_model from programs where programs.id = :programId)) as acquisition_model,
           key.open_account,
           (select jsonb_agg(to_jsonb(field) order by field.position, field.id) from custom_fields as field
            where field.deleted_at is null) as custom_fields
    from (select 1) as one
    left join api_keys as key on key.id = :keyId
    left join lead_sources as source on source.id = coalesce(:sourceId, key.lead_source_id) and source.deleted_at is null`,
    { ...of },
  );
  const row = rows[0] as RulesRow;
  return {
    source:
      row.source_id === null
        ? undefined
        : {
            id: row.source_id,
            active: row.source_active === true,
            department: row.department,
            assigneeId: row.source_assignee,
            leadAcceptance: row.lead_acceptance,
          },
    affiliateAgentId: row.affiliate_agent,
    formAssigneeId: row.form_assignee,
    acquisitionModel: row.acquisition_model,
    keyOpensAccount: row.open_account,
    customFields: (row.custom_fields ?? []).map(toCustomField),
  };
}
