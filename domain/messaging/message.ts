import { mergePlaces, type MergeFieldName, type MergeValues } from './template.js';

/** The kind of job that writes to affiliates (api.md 14): its items are the affiliates. */
export const messageKind = 'messages.send';

/** What must be confirmed is about the contract: nobody declines it. Everything else one may (NTF-16). */
export function isDeclinable(message: {
  readonly requiresAcknowledgement: boolean;
  readonly remindsId: string | null;
}): boolean {
  return !message.requiresAcknowledgement && message.remindsId === null;
}

/** What a message to many knows of each of its readers. */
export function messageValues(recipient: { readonly name: string; readonly workspaceName: string }): MergeValues {
  return { affiliate_name: recipient.name, workspace_name: recipient.workspaceName };
}

const given: ReadonlySet<string> = new Set<MergeFieldName>(['affiliate_name', 'workspace_name', 'link']);

/** Fields that a message to many has no value for, where the text has no words instead: their place would stand empty. */
export function emptyPlaces(...texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) =>
    mergePlaces(text).flatMap(({ name, words }) =>
      given.has(name) || name.startsWith('link:') || (words ?? '').trim() !== '' ? [] : [name],
    ),
  );
}

/** Stands before the address at which such mails are declined; in the language of the mail. */
export function declineText(language: string): string {
  return language === 'de' ? 'Solche E-Mails abbestellen:' : 'To get no more mails of this kind:';
}
