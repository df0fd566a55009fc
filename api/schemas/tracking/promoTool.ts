import { z } from 'zod';
import {
  type PromoTool,
  promoToolKinds,
  type Snippet,
  unknownMergeFields,
} from '../../../domain/tracking/promoTool.js';
import { anyOf, anyText, flag, listQuery } from '../../lists.js';
import { fieldIssue, idWire, listOf, longText, nameText, objectFields, text, versionFields } from '../wire.js';

export const promoToolParams = z.strictObject({ toolId: idWire('promoTool') });

/** A template: its merge fields must be known, so that no mail goes out with a hole in it (LNK-12). */
const template = longText(20_000).check((context) => {
  const unknown = unknownMergeFields(context.value);
  if (unknown.length > 0)
    context.issues.push({
      ...fieldIssue('not_allowed_here', `No such merge field: ${unknown.join(', ').slice(0, 200)}.`),
      input: context.value,
    });
});

const settable = {
  productGroupId: z.null().exactOptional(),
  // Images of our own come with their library; until then a banner names the merchant's.
  mediaId: z.null().exactOptional(),
  html: template.nullable().exactOptional(),
  text: template.nullable().exactOptional(),
  campaign: text(100).nullable().exactOptional(),
  ad: text(100).nullable().exactOptional(),
  active: z.boolean().exactOptional(),
};

export const promoToolCreate = z
  .strictObject({
    name: nameText,
    kind: z.enum(promoToolKinds),
    programId: idWire('program'),
    url: z.string().max(2_048),
    ...settable,
  })
  .check((context) => {
    const fault = missingContent(context.value);
    if (fault !== undefined)
      context.issues.push({ ...fieldIssue('required', fault.detail, [fault.field]), input: context.value });
  });

export const promoToolPatch = z.strictObject({
  name: nameText.exactOptional(),
  programId: idWire('program').exactOptional(),
  url: z.string().max(2_048).exactOptional(),
  ...settable,
});

/** What a kind cannot do without; undefined: nothing is missing. */
export function missingContent(tool: {
  readonly kind: (typeof promoToolKinds)[number];
  readonly html?: string | null;
  readonly text?: string | null;
}): { readonly field: 'html' | 'text'; readonly detail: string } | undefined {
  const { kind, html = null, text: plain = null } = tool;
  if ((kind === 'banner' || kind === 'lightbox') && html === null)
    return { field: 'html', detail: 'The picture as HTML, such as <img src="https://…" alt="…">.' };
  if (kind === 'email' && html === null && plain === null)
    return { field: 'text', detail: 'The mail, as text or HTML.' };
  return undefined;
}

export const promoToolQuery = listQuery(
  { programId: anyText(), kind: anyOf(promoToolKinds), active: flag(), campaign: anyText() },
  { sort: ['createdAt', 'name'], q: true },
);
export const ownPromoToolQuery = listQuery(
  { programId: anyText(), kind: anyOf(promoToolKinds) },
  { sort: ['createdAt', 'name'], q: true },
);
export const snippetQuery = z.strictObject({ affiliateId: idWire('affiliate') });

const toolFields = {
  ...objectFields('promoTool', 'promo_tool'),
  name: z.string(),
  kind: z.enum(promoToolKinds),
  programId: z.string(),
  productGroupId: z.string().nullable(),
  url: z.string(),
  mediaId: z.string().nullable(),
  html: z.string().nullable(),
  text: z.string().nullable(),
  campaign: z.string().nullable(),
  ad: z.string().nullable(),
  active: z.boolean(),
  ...versionFields,
};
const snippetWire = z.strictObject({ url: z.string(), html: z.string().nullable(), text: z.string().nullable() });

export const promoToolWire = z.strictObject(toolFields).openapi('PromoTool');
export const promoToolList = listOf(promoToolWire);
export const promoSnippetWire = z
  .strictObject({
    object: z.literal('promo_snippet'),
    toolId: z.string(),
    affiliateId: z.string(),
    ...snippetWire.shape,
  })
  .openapi('PromoSnippet');
/** The tool as its affiliate sees it: with their own link in it; null where they have none in the program. */
export const ownPromoToolWire = z
  .strictObject({ ...toolFields, snippet: snippetWire.nullable() })
  .openapi('OwnPromoTool');
export const ownPromoToolList = listOf(ownPromoToolWire);

export function presentPromoTool(tool: PromoTool): z.output<typeof promoToolWire> {
  return { object: 'promo_tool', ...tool };
}

export function presentOwnPromoTool(tool: PromoTool, snippet: Snippet | null): z.output<typeof ownPromoToolWire> {
  return { object: 'promo_tool', ...tool, snippet };
}
