import { parseId, type PromoToolId } from '../ids.js';

/**
 * What a message can say of its recipient and of commissions or payouts (features.md NTF-08, NTF-14, PRG-07): written `{{affiliate_name}}`, or
 * `{{affiliate_name|friend}}` with words for when there is none. Amounts are printed with their currency.
 */
export const mergeFields = [
  { name: 'affiliate_name', meaning: 'Name of the affiliate', example: 'Ada Kowal' },
  { name: 'workspace_name', meaning: 'Name of the merchant', example: 'Shop' },
  { name: 'program_name', meaning: 'Name of the program', example: 'Spring' },
  { name: 'commission_amount', meaning: 'Sum of the commissions, one per currency', example: '10.00 USD' },
  { name: 'commission_count', meaning: 'Number of commissions', example: '1' },
  { name: 'commission_list', meaning: 'One line per commission', example: '2026-11-20 Spring: 10.00 USD' },
  { name: 'payout_amount', meaning: 'Sum of the payouts, one per currency; only of payouts', example: '10.00 USD' },
  { name: 'payout_count', meaning: 'Number of payouts; only of payouts', example: '1' },
  { name: 'payout_list', meaning: 'One line per payout; only of payouts', example: '2026-11-20: 10.00 USD (R-7)' },
  { name: 'sales_amount', meaning: 'Sum of the sales, one per currency; only of milestones', example: '1600.00 USD' },
  { name: 'sales_count', meaning: 'Number of sales; only of milestones', example: '12' },
  { name: 'milestone', meaning: 'The mark that was passed; only of milestones', example: '1000.00 USD' },
  { name: 'link', meaning: 'The affiliate’s own link', example: 'https://partners.example.com/r/ada-spring' },
] as const;

/** `{{link:tool_…}}`: the affiliate's own link to the page of this promo tool (LNK-12). */
const toolPrefix = 'link:';
type ToolLinkName = `link:${string}`;

export type MergeFieldName = (typeof mergeFields)[number]['name'];
export type MergeValues = Readonly<Partial<Record<MergeFieldName, string>> & Record<ToolLinkName, string>>;

const exampleLink = 'https://partners.example.com/r/ada-spring';

/** Examples of all that the texts name. */
export function exampleValues(...texts: readonly string[]): MergeValues {
  return {
    ...Object.fromEntries(mergeFields.map(({ name, example }) => [name, example])),
    ...Object.fromEntries(toolsNamed(...texts).map((id) => [toolField(id), `${exampleLink}?trb_tool=${id}`])),
  };
}

export function toolField(id: PromoToolId): ToolLinkName {
  return `${toolPrefix}${id}`;
}

// No two runs of spaces side by side: `{{` and 4,000 spaces took the old expression 55 seconds.
const place = /\{\{\s*(?:([^{}|\s](?:[^{}|]*[^{}|\s])?)\s*)?(?:\|([^{}]*))?\}\}/g;
const known: ReadonlySet<string> = new Set(mergeFields.map(({ name }) => name));

function toolIn(name: string): PromoToolId | undefined {
  return name.startsWith(toolPrefix) ? parseId('promoTool', name.slice(toolPrefix.length)) : undefined;
}

/** The promo tools whose links the texts ask for, each once. */
export function toolsNamed(...texts: readonly string[]): readonly PromoToolId[] {
  return [
    ...new Set(texts.flatMap((text) => [...text.matchAll(place)].flatMap(([, name]) => toolIn(name ?? '') ?? []))),
  ];
}

/** The fields that a text names, each with the words for when there is no value. */
export function mergePlaces(text: string): readonly { readonly name: string; readonly words: string | undefined }[] {
  return [...text.matchAll(place)].map(([, name = '', words]) => ({ name, words }));
}

/** Does a text ask for any link of its reader's? Most do not, and then nothing is looked up. */
export function namesLink(...texts: readonly string[]): boolean {
  return texts.some((text) =>
    [...text.matchAll(place)].some(([, name]) => name === 'link' || toolIn(name ?? '') !== undefined),
  );
}

/** What a text may not be saved with: fields that do not exist, and braces that belong to none, so that no message prints them. */
export function templateProblems(text: string): readonly string[] {
  const unknown = [...text.matchAll(place)].flatMap(([whole, name]) =>
    known.has(name ?? '') || toolIn(name ?? '') !== undefined ? [] : [whole],
  );
  return /[{}]/.test(text.replace(place, '')) ? [...unknown, 'a brace without its other one'] : unknown;
}

/** The text with every place filled in. A value that is missing falls back to the template's own words, else to nothing. */
export function mergeTemplate(text: string, values: MergeValues): string {
  return text.replace(place, (_whole, name: string, words: string | undefined) => {
    const value = values[name as MergeFieldName | ToolLinkName];
    return value === undefined || value === '' ? (words ?? '') : value;
  });
}
