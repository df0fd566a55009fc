import { z } from 'zod';
import type { SignInProvider } from '../../../db/access/signInProvider.js';
import { fieldIssue, idWire, instantWire, text } from '../wire.js';
import { roleIdWire } from './user.js';

/** The issuer as its discovery document and every token of it have it: no query, no fragment, no name or password in it. */
const issuerWire = z
  .string()
  .max(500)
  .check((context) => {
    const { value } = context;
    const url = URL.canParse(value) ? new URL(value) : undefined;
    const isFit =
      url !== undefined &&
      (url.protocol === 'https:' || url.protocol === 'http:') &&
      url.search === '' &&
      url.hash === '' &&
      url.username === '' &&
      url.password === '' &&
      !/[?#\s]|\/\.well-known\//.test(value);
    if (!isFit)
      context.issues.push({
        ...fieldIssue('bad_format', 'An address such as https://login.company.example, without a query.'),
        input: value,
      });
  })
  .openapi({ type: 'string', format: 'uri', maxLength: 500 });

const roleGroupWire = z.strictObject({ group: text(200), roleId: roleIdWire });

export const signInProviderBody = z.strictObject({
  issuer: issuerWire,
  clientId: text(200),
  /** Left out: as it was. A new issuer or client needs it again. */
  clientSecret: z.string().min(1).max(1_000).exactOptional(),
  label: text(60),
  groupsClaim: text(100).default('groups'),
  roleGroups: z.array(roleGroupWire).max(100),
  enabled: z.boolean(),
});

export const signInProviderWire = z
  .strictObject({
    object: z.literal('sign_in_provider'),
    issuer: z.string().nullable(),
    clientId: z.string().nullable(),
    hasClientSecret: z.boolean(),
    label: z.string().nullable(),
    groupsClaim: z.string(),
    roleGroups: z.array(z.strictObject({ group: z.string(), roleId: z.string() })),
    enabled: z.boolean(),
    callbackUrl: z.string().meta({ description: 'To be entered at the provider.' }),
    version: z.int().min(1),
    updatedAt: instantWire.nullable(),
  })
  .openapi('SignInProvider');

export function presentSignInProvider(
  provider: SignInProvider | undefined,
  { callbackUrl, unsetVersion }: { readonly callbackUrl: string; readonly unsetVersion: number },
): z.output<typeof signInProviderWire> {
  return {
    object: 'sign_in_provider',
    issuer: provider?.issuer ?? null,
    clientId: provider?.clientId ?? null,
    hasClientSecret: provider !== undefined,
    label: provider?.label ?? null,
    groupsClaim: provider?.groupsClaim ?? 'groups',
    roleGroups: (provider?.roleGroups ?? []).map(({ group, roleId }) => ({ group, roleId })),
    enabled: provider?.enabled ?? false,
    callbackUrl,
    version: provider?.version ?? unsetVersion,
    updatedAt: provider?.updatedAt ?? null,
  };
}

/** A button of the sign-in page. */
export const providerButtonWire = z.strictObject({ workspaceId: idWire('workspace'), label: z.string() });
