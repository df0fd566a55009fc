import type { MediaId, ProductGroupId, ProgramId, PromoToolId } from '../ids.js';
import type { Instant } from '../time.js';

export const promoToolKinds = ['link', 'banner', 'lightbox', 'email'] as const;
export type PromoToolKind = (typeof promoToolKinds)[number];

/** What affiliates promote with (LNK-16). No states: row and wire are enough. */
export interface PromoTool {
  readonly id: PromoToolId;
  readonly name: string;
  readonly kind: PromoToolKind;
  readonly programId: ProgramId;
  readonly productGroupId: ProductGroupId | null;
  /** Where the tool leads, below the hosts that the program allows. */
  readonly url: string;
  readonly mediaId: MediaId | null;
  readonly html: string | null;
  readonly text: string | null;
  readonly campaign: string | null;
  readonly ad: string | null;
  readonly active: boolean;
  readonly version: number;
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

/** The parameter of a link by which a click says which tool it came by (LNK-17). */
export const toolParameter = 'trb_tool';

/**
 * A link of an affiliate's that leads to the page of a tool, below the hosts the redirect follows (api.md 4.1). The click says by which tool it
 * came, and so of which campaign and ad it is (LNK-17).
 */
export function toolAddress(
  tool: Pick<PromoTool, 'id' | 'url'>,
  link: { readonly slug: string; readonly destinationUrl: string },
  origin: string,
): string {
  const url = new URL(`${origin}/r/${link.slug}`);
  if (tool.url !== link.destinationUrl) url.searchParams.set('to', tool.url);
  url.searchParams.set(toolParameter, tool.id);
  return url.href;
}

/** A tool of these kinds shows a picture (LNK-18). */
export function showsPicture(kind: PromoToolKind): boolean {
  return kind === 'banner' || kind === 'lightbox';
}

/** What stands for itself in a tool's text until an affiliate takes it (LNK-12). */
export const mergeFields = ['link', 'affiliate_name', 'program_name', 'image'] as const;
export type MergeField = (typeof mergeFields)[number];
export type MergeValues = Readonly<Record<MergeField, string>>;

/** Each field in words, with an example (api.md 14). */
export const mergeFieldTexts: Readonly<Record<MergeField, { readonly meaning: string; readonly example: string }>> = {
  link: {
    meaning: 'The affiliate’s own link to the page of the tool.',
    example: 'https://partners.example.com/r/ada-spring',
  },
  affiliate_name: { meaning: 'The affiliate’s name.', example: 'Ada Kowal' },
  program_name: { meaning: 'The name of the program.', example: 'Spring' },
  image: {
    meaning: 'Where the tool’s own picture is shown from.',
    example: 'https://partners.example.com/t/media/….png',
  },
};

// No two runs of spaces side by side: `{{` and 4,000 spaces took the old expression 55 seconds.
const fieldPattern = /\{\{\s*(?:([^{}\s](?:[^{}]*[^{}\s])?)\s*)?\}\}/g;

/** The fields of a text that we do not know; a text with one cannot be saved (LNK-12). */
export function unknownMergeFields(text: string): readonly string[] {
  const names = [...text.matchAll(fieldPattern)].map((match) => match[1] ?? '');
  return [...new Set(names)].filter((name) => !mergeFields.includes(name as MergeField));
}

/** Does the text stand on a picture of the tool's own? */
export function namesPicture(text: string): boolean {
  return /\{\{\s*image\s*\}\}/.test(text);
}

/** The text with the affiliate's own values; `isHtml`: as they are written in HTML. */
export function merged(text: string, values: MergeValues, isHtml: boolean): string {
  return text.replace(fieldPattern, (_whole, name: string) => {
    const value = values[name as MergeField];
    return isHtml ? escapedHtml(value) : value;
  });
}

function escapedHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The picture of a tool, as pages show it. */
export interface ToolPicture {
  readonly url: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

export interface Snippet {
  readonly url: string;
  readonly html: string | null;
  readonly text: string | null;
}

/** The address of the script that opens a lightbox, and the attribute by which it finds its content. */
export interface LightboxScript {
  readonly url: string;
}
export const lightboxAttribute = 'data-tributary-lightbox';

/**
 * What the affiliate pastes: the tool with their own link. Its own HTML, else its picture, else its name; what names no link is wrapped in
 * one, so that no click is lost. A lightbox's content is hidden until the script behind it opens it in a dialog (LNK-13 to LNK-15).
 */
export function snippetOf(
  tool: Pick<PromoTool, 'kind' | 'name' | 'html' | 'text'>,
  values: Omit<MergeValues, 'image'>,
  more: { readonly picture: ToolPicture | null; readonly lightbox: LightboxScript },
): Snippet {
  const { picture } = more;
  const all: MergeValues = { ...values, image: picture?.url ?? '' };
  const own = tool.html === null ? null : merged(tool.html, all, true);
  const content = own ?? (picture === null ? escapedHtml(tool.name) : imageOf(tool.name, picture));
  const hasLink = /\{\{\s*link\s*\}\}/.test(tool.html ?? '');
  const linked = hasLink ? content : `<a href="${escapedHtml(values.link)}">${content}</a>`;
  const text = tool.text === null ? null : merged(tool.text, all, false);
  switch (tool.kind) {
    case 'link':
      return { url: values.link, html: linked, text: text ?? values.link };
    case 'banner':
      return { url: values.link, html: linked, text };
    case 'lightbox':
      return {
        url: values.link,
        html:
          `<div ${lightboxAttribute}="${escapedHtml(tool.name)}" hidden>${linked}</div>\n` +
          `<script src="${escapedHtml(more.lightbox.url)}" async></script>`,
        text,
      };
    case 'email':
      return { url: values.link, html: tool.html === null ? null : linked, text };
    default:
      return tool.kind satisfies never;
  }
}

function imageOf(name: string, { url, width, height }: ToolPicture): string {
  return `<img src="${escapedHtml(url)}" width="${width}" height="${height}" alt="${escapedHtml(name)}">`;
}
