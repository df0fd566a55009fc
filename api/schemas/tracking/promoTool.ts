import { z } from 'zod';
import {
  namesPicture,
  promoToolKinds,
  showsPicture,
  type Snippet,
  unknownMergeFields,
} from '../../../domain/tracking/promoTool.js';
import type { PromoToolView } from '../../../db/reads/tracking/promoToolList.js';
import { anyName, anyOf, anyText, flag, listQuery } from '../../lists.js';
import { mediaUrl } from './media.js';
import {
  dateWire,
  fieldIssue,
  idWire,
  listOf,
  longText,
  nameText,
  objectFields,
  signedMoneyWire,
  text,
  versionFields,
} from '../wire.js';

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
  productGroupId: idWire('productGroup').nullable().exactOptional(),
  mediaId: idWire('media').nullable().exactOptional(),
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
    const fault = contentFault(context.value);
    if (fault !== undefined)
      context.issues.push({ ...fieldIssue(fault.code, fault.detail, [fault.field]), input: context.value });
  });

export const promoToolPatch = z.strictObject({
  name: nameText.exactOptional(),
  programId: idWire('program').exactOptional(),
  url: z.string().max(2_048).exactOptional(),
  ...settable,
});

/** What a kind cannot do without, or with; undefined: nothing is wrong. */
export function contentFault(tool: {
  readonly kind: (typeof promoToolKinds)[number];
  readonly mediaId?: string | null;
  readonly html?: string | null;
  readonly text?: string | null;
}):
  | {
      readonly field: 'html' | 'text' | 'mediaId';
      readonly code: 'required' | 'not_allowed_here';
      readonly detail: string;
    }
  | undefined {
  const { kind, mediaId = null, html = null, text: plain = null } = tool;
  const isPicture = showsPicture(kind);
  if (isPicture && mediaId === null && html === null)
    return { field: 'mediaId', code: 'required', detail: 'A picture of the library, or html with one.' };
  if (!isPicture && mediaId !== null)
    return { field: 'mediaId', code: 'not_allowed_here', detail: 'Only banners and lightboxes show a picture.' };
  if (mediaId === null && namesPicture(`${html ?? ''} ${plain ?? ''}`))
    return { field: 'html', code: 'not_allowed_here', detail: '{{image}} needs a picture: choose one.' };
  if (kind === 'email' && html === null && plain === null)
    return { field: 'text', code: 'required', detail: 'The mail, as text or HTML.' };
  return undefined;
}

export const promoToolQuery = listQuery(
  {
    programId: anyText(),
    productGroupId: anyText(),
    kind: anyOf(promoToolKinds),
    active: flag(),
    campaign: anyName(),
    ad: anyName(),
    /** Days of the figures, both included; the last thirty where none is named. */
    from: dateWire.exactOptional(),
    to: dateWire.exactOptional(),
  },
  { sort: ['createdAt', 'name'], q: true, include: ['figures'] },
);
export const ownPromoToolQuery = listQuery(
  { programId: anyText(), productGroupId: anyText(), kind: anyOf(promoToolKinds) },
  { sort: ['createdAt', 'name'], q: true },
);
export const snippetQuery = z.strictObject({ affiliateId: idWire('affiliate') });

const toolFields = {
  ...objectFields('promoTool', 'promo_tool'),
  name: z.string(),
  kind: z.enum(promoToolKinds),
  programId: z.string(),
  programName: z.string(),
  productGroupId: z.string().nullable(),
  productGroupName: z.string().nullable(),
  url: z.string(),
  mediaId: z.string().nullable(),
  /** The picture, as pages show it. */
  picture: z
    .strictObject({ url: z.string(), name: z.string(), contentType: z.string(), width: z.int(), height: z.int() })
    .nullable(),
  html: z.string().nullable(),
  text: z.string().nullable(),
  campaign: z.string().nullable(),
  ad: z.string().nullable(),
  active: z.boolean(),
  ...versionFields,
};
const snippetWire = z.strictObject({ url: z.string(), html: z.string().nullable(), text: z.string().nullable() });

export const toolFiguresWire = z
  .strictObject({
    clicks: z.int(),
    /** One per visitor, link and day. */
    visits: z.int(),
    leads: z.int(),
    sales: z.int(),
    earned: z.array(signedMoneyWire),
  })
  .openapi('PromoToolFigures');

export const promoToolWire = z
  .strictObject({
    ...toolFields,
    /** Only in the list, with `include=figures`. */
    figures: toolFiguresWire.exactOptional(),
  })
  .openapi('PromoTool');
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

export const mergeFieldList = listOf(
  z
    .strictObject({
      object: z.literal('merge_field'),
      name: z.string(),
      /** Where it may stand: in the text of a promo tool, in a message template. */
      usedIn: z.array(z.enum(['promo_tool', 'message'])),
      meaning: z.string(),
      example: z.string(),
    })
    .openapi('MergeField'),
);

function fieldsOf({ tool, media, programName, productGroupName }: PromoToolView, origin: string) {
  return {
    object: 'promo_tool' as const,
    ...tool,
    programName,
    productGroupName,
    picture:
      media === null
        ? null
        : {
            url: mediaUrl(media, origin),
            name: media.name,
            contentType: media.contentType,
            width: media.width,
            height: media.height,
          },
  };
}

export function presentPromoTool(view: PromoToolView, origin: string): z.output<typeof promoToolWire> {
  return fieldsOf(view, origin);
}

export function presentOwnPromoTool(
  view: PromoToolView,
  origin: string,
  snippet: Snippet | null,
): z.output<typeof ownPromoToolWire> {
  return { ...fieldsOf(view, origin), snippet };
}
