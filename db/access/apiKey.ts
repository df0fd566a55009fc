import type { Act, Mode } from '../../domain/act.js';
import type { AffiliateId, ApiKeyId, ContactId, LeadSourceId, UserId } from '../../domain/ids.js';
import type { Instant, LocalDate } from '../../domain/time.js';
import { recordAudit } from '../audit/audit.js';
import { keyset, type Page } from '../reads/keyset.js';
import type { ReadTx, Tx } from '../transaction.js';

export interface ApiKey {
  readonly id: ApiKeyId;
  readonly name: string;
  readonly kind: 'secret' | 'public';
  readonly mode: Mode;
  /** The last four characters: enough to recognise it. */
  readonly hint: string;
  readonly publicKey: string | null;
  readonly permissions: readonly string[];
  readonly roleId: string | null;
  readonly affiliateId: AffiliateId | null;
  /** The source that its leads are of (LED-05). */
  readonly leadSourceId: LeadSourceId | null;
  /** The affiliate's own person behind it (LED-13). */
  readonly contactId: ContactId | null;
  /** Whether its leads open customer accounts; null: as the settings say (LED-10). */
  readonly openAccount: boolean | null;
  readonly acquisitionModel: 'cpl' | 'cpa' | null;
  /** A postback's parameter of ours → the name that this source gives it; empty but for a public key (BEY-20). */
  readonly fieldMap: Readonly<Record<string, string>>;
  readonly createdBy: UserId;
  readonly expiresOn: LocalDate | null;
  readonly ipRestricted: boolean;
  readonly ipAllowList: readonly string[];
  readonly lastUsedAt: Instant | null;
  readonly revokedAt: Instant | null;
  readonly graceUntil: Instant | null;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

interface ApiKeyRow {
  readonly id: ApiKeyId;
  readonly name: string;
  readonly kind: ApiKey['kind'];
  readonly mode: Mode;
  readonly hint: string;
  readonly public_key: string | null;
  readonly permissions: string[];
  readonly role_id: string | null;
  readonly affiliate_id: AffiliateId | null;
  readonly lead_source_id: LeadSourceId | null;
  readonly contact_id: ContactId | null;
  readonly open_account: boolean | null;
  readonly acquisition_model: ApiKey['acquisitionModel'];
  readonly field_map: Readonly<Record<string, string>>;
  readonly created_by: UserId;
  readonly expires_on: LocalDate | null;
  readonly ip_restricted: boolean;
  readonly ip_allow_list: string[];
  readonly last_used_at: Instant | null;
  readonly revoked_at: Instant | null;
  readonly grace_until: Instant | null;
  readonly version: number;
  readonly created_at: Instant;
  readonly updated_at: Instant;
}

const columns = [
  'id',
  'name',
  'kind',
  'mode',
  'hint',
  'public_key',
  'permissions',
  'role_id',
  'affiliate_id',
  'lead_source_id',
  'contact_id',
  'open_account',
  'acquisition_model',
  'field_map',
  'created_by',
  'expires_on',
  'ip_restricted',
  'ip_allow_list',
  'last_used_at',
  'revoked_at',
  'grace_until',
  'version',
  'created_at',
  'updated_at',
] as const;

function toApiKey(row: ApiKeyRow): ApiKey {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    mode: row.mode,
    hint: row.hint,
    publicKey: row.public_key,
    permissions: row.permissions,
    roleId: row.role_id,
    affiliateId: row.affiliate_id,
    leadSourceId: row.lead_source_id,
    contactId: row.contact_id,
    openAccount: row.open_account,
    acquisitionModel: row.acquisition_model,
    fieldMap: row.field_map,
    createdBy: row.created_by,
    expiresOn: row.expires_on,
    ipRestricted: row.ip_restricted,
    ipAllowList: row.ip_allow_list,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    graceUntil: row.grace_until,
    version: row.version,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

export interface NewApiKey {
  readonly id: ApiKeyId;
  readonly name: string;
  readonly kind: 'secret' | 'public';
  readonly mode: Mode;
  readonly tokenHash: Buffer;
  readonly hint: string;
  readonly publicKey: string | null;
  /** Sealed; signs postbacks and pixels of a public key. */
  readonly signingSecret: string | null;
  readonly permissions: readonly string[];
  readonly roleId: string | null;
  readonly affiliateId: string | null;
  readonly leadSourceId?: string | null;
  readonly contactId?: string | null;
  readonly openAccount?: boolean | null;
  readonly acquisitionModel?: ApiKey['acquisitionModel'];
  readonly fieldMap?: ApiKey['fieldMap'];
  readonly createdBy: string;
  readonly expiresOn: LocalDate | null;
  readonly ipRestricted: boolean;
  readonly ipAllowList: readonly string[];
}

export async function insertApiKey(tx: Tx, act: Act, key: NewApiKey): Promise<ApiKey> {
  const [row] = await tx('api_keys')
    .insert({
      id: key.id,
      name: key.name,
      kind: key.kind,
      mode: key.mode,
      token_hash: key.tokenHash,
      hint: key.hint,
      public_key: key.publicKey,
      signing_secret: key.signingSecret,
      permissions: [...key.permissions],
      role_id: key.roleId,
      affiliate_id: key.affiliateId,
      lead_source_id: key.leadSourceId ?? null,
      contact_id: key.contactId ?? null,
      open_account: key.openAccount ?? null,
      acquisition_model: key.acquisitionModel ?? null,
      field_map: JSON.stringify(key.fieldMap ?? {}),
      created_by: key.createdBy,
      expires_on: key.expiresOn,
      ip_restricted: key.ipRestricted,
      ip_allow_list: [...key.ipAllowList],
      created_at: act.now,
      updated_at: act.now,
    })
    .returning<ApiKeyRow[]>([...columns]);
  await recordAudit(tx, act, {
    objectType: 'api_key',
    objectId: key.id,
    seq: 1,
    event: 'created',
    to: 'active',
    changes: {
      kind: key.kind,
      mode: key.mode,
      permissions: key.permissions,
      roleId: key.roleId,
      affiliateId: key.affiliateId,
    },
  });
  return toApiKey(row as ApiKeyRow);
}

export async function findApiKeyById(tx: ReadTx | Tx, id: string): Promise<ApiKey | undefined> {
  const row = await tx('api_keys')
    .where({ id })
    .first<ApiKeyRow | undefined>(...columns);
  return row === undefined ? undefined : toApiKey(row);
}

export async function lockApiKey(tx: Tx, id: string): Promise<ApiKey | undefined> {
  const row = await tx('api_keys')
    .where({ id })
    .forNoKeyUpdate()
    .first<ApiKeyRow | undefined>(...columns);
  return row === undefined ? undefined : toApiKey(row);
}

/** Which keys are there, newest first? */
export async function listApiKeys(
  tx: ReadTx,
  page: Page,
  filter: {
    readonly mode?: Mode;
    readonly kind?: readonly string[];
    readonly affiliateId?: readonly string[];
    /** Literal, in name, last characters, affiliate and id. */
    readonly q?: string;
  },
): Promise<readonly ApiKey[]> {
  const query = keyset(tx('api_keys'), page, { createdAt: 'created_at', name: 'name' });
  if (filter.mode !== undefined) query.where({ mode: filter.mode });
  if (filter.kind !== undefined) query.whereIn('kind', filter.kind);
  if (filter.affiliateId !== undefined) query.whereIn('affiliate_id', filter.affiliateId);
  if (filter.q !== undefined)
    query.whereRaw(
      `(id = :q or hint = :q or strpos(lower(name), lower(:q)) > 0
        or affiliate_id in (select affiliate.id from affiliates as affiliate where strpos(lower(affiliate.name), lower(:q)) > 0))`,
      { q: filter.q },
    );
  const rows = await query.select<ApiKeyRow[]>(...columns);
  return rows.map(toApiKey);
}

export interface ApiKeyChange {
  readonly name?: string;
  readonly expiresOn?: LocalDate | null;
  readonly ipRestricted?: boolean;
  readonly ipAllowList?: readonly string[];
  readonly leadSourceId?: string | null;
  readonly contactId?: string | null;
  readonly openAccount?: boolean | null;
  readonly acquisitionModel?: ApiKey['acquisitionModel'];
  readonly fieldMap?: ApiKey['fieldMap'];
  readonly revokedAt?: Instant;
  readonly secret?: { readonly tokenHash: Buffer; readonly hint: string; readonly graceUntil: Instant };
}

/** Changes a key under the lock of `lockApiKey`. A new secret keeps the old one working until `graceUntil`. */
export async function updateApiKey(
  tx: Tx,
  act: Act,
  key: ApiKey,
  event: string,
  change: ApiKeyChange,
): Promise<ApiKey> {
  const [row] = await tx('api_keys')
    .where({ id: key.id })
    .update({
      ...(change.name === undefined ? {} : { name: change.name }),
      ...(change.expiresOn === undefined ? {} : { expires_on: change.expiresOn }),
      ...(change.ipRestricted === undefined ? {} : { ip_restricted: change.ipRestricted }),
      ...(change.ipAllowList === undefined ? {} : { ip_allow_list: [...change.ipAllowList] }),
      ...(change.leadSourceId === undefined ? {} : { lead_source_id: change.leadSourceId }),
      ...(change.contactId === undefined ? {} : { contact_id: change.contactId }),
      ...(change.openAccount === undefined ? {} : { open_account: change.openAccount }),
      ...(change.acquisitionModel === undefined ? {} : { acquisition_model: change.acquisitionModel }),
      ...(change.fieldMap === undefined ? {} : { field_map: JSON.stringify(change.fieldMap) }),
      ...(change.revokedAt === undefined ? {} : { revoked_at: change.revokedAt }),
      ...(change.secret === undefined
        ? {}
        : {
            previous_token_hash: tx.ref('token_hash'),
            token_hash: change.secret.tokenHash,
            hint: change.secret.hint,
            grace_until: change.secret.graceUntil,
          }),
      version: key.version + 1,
      updated_at: act.now,
    })
    .returning<ApiKeyRow[]>([...columns]);
  await recordAudit(tx, act, {
    objectType: 'api_key',
    objectId: key.id,
    seq: key.version + 1,
    event,
    changes: {
      fields: Object.keys(change),
      ...(change.expiresOn === undefined ? {} : { expiresOn: { from: key.expiresOn, to: change.expiresOn } }),
    },
  });
  return toApiKey(row as ApiKeyRow);
}
