// Staff sign-in through the company's provider (BEY-35, docs/decisions/1160): what its answer means for a person of the workspace.

/** What the client's secret is sealed under. */
export const signInProviderPurpose = 'sign_in_provider';

/** Between the button and the way back from the provider. Milliseconds. */
export const providerFlowMs = 10 * 60_000;
/** How far the provider's clock may differ from ours where a fresh sign-in is asked for. Seconds. */
export const providerClockSeconds = 30;

/** Members of a group of the provider hold this role. */
export interface RoleGroup {
  readonly group: string;
  readonly roleId: string;
}

/** What the provider says of a person, its signature, audience and nonce checked. */
export interface ProviderIdentity {
  readonly issuer: string;
  readonly subject: string;
  /** As it came; null: none. */
  readonly email: string | null;
  /** The provider says that nobody has proved it. */
  readonly isEmailUnverified: boolean;
  readonly name: string | null;
  readonly groups: readonly string[];
  /** It asked for more than one factor (`amr` names `mfa`, RFC 8176). */
  readonly usedSecondFactor: boolean;
  /** Seconds since 1970; null: it does not say. */
  readonly authenticatedAt: number | null;
}

/** Why a person is sent back to a page of ours; the pages have a sentence for each. */
export const providerProblems = [
  'not_enabled',
  'expired',
  'cancelled',
  'provider_failed',
  'no_email',
  'no_role',
  'removed',
  'other_person',
  'beyond_groups',
  'not_fresh',
] as const;
export type ProviderProblem = (typeof providerProblems)[number];

/** Why somebody whom the provider knows does not come in. */
export type EntryRefusal = Extract<ProviderProblem, 'no_role' | 'removed' | 'other_person' | 'beyond_groups'>;

/** The roles of these groups, each once, in the order of the mapping. */
export function rolesOfGroups(groups: readonly string[], mapping: readonly RoleGroup[]): readonly string[] {
  const held = new Set(groups);
  return [...new Set(mapping.filter(({ group }) => held.has(group)).map(({ roleId }) => roleId))];
}

/** The one of the workspace's staff who is meant, by subject, else by address. */
export interface KnownPerson {
  readonly status: 'invited' | 'active' | 'disabled';
  readonly roleIds: readonly string[];
  /** Whose subject they are at this issuer: the one who comes, somebody else, or nobody's so far. */
  readonly boundTo: 'this' | 'another' | 'nobody';
  readonly isLastOwner: boolean;
}

export type Entry =
  | { readonly kind: 'enter'; readonly roleIds: readonly string[] }
  | { readonly kind: 'refuse'; readonly why: EntryRefusal };

/**
 * Does this person come in, and with which roles? `mapped` are those of their groups, `mappable` those that any group gives. Who has a role
 * that no group gives is never taken over by their address alone: whoever set the provider up could not grant that role, and must not get
 * its holder's session by a provider of their own making.
 */
export function decideEntry(
  person: KnownPerson | undefined,
  { mapped, mappable }: { readonly mapped: readonly string[]; readonly mappable: readonly string[] },
): Entry {
  if (person?.status === 'disabled') return { kind: 'refuse', why: 'removed' };
  if (person?.boundTo === 'another') return { kind: 'refuse', why: 'other_person' };
  if (mapped.length === 0) return { kind: 'refuse', why: 'no_role' };
  if (person?.boundTo === 'nobody' && !person.roleIds.every((id) => mappable.includes(id)))
    return { kind: 'refuse', why: 'beyond_groups' };
  const keepsOwner = person?.isLastOwner === true && !mapped.includes('owner');
  return { kind: 'enter', roleIds: keepsOwner ? ['owner', ...mapped] : mapped };
}

/** Was the person asked anew, as a step-up demands? Without a time of it: no. */
export function isFreshlyAuthenticated(authenticatedAt: number | null, askedAtMs: number): boolean {
  return authenticatedAt !== null && authenticatedAt >= Math.floor(askedAtMs / 1_000) - providerClockSeconds;
}
