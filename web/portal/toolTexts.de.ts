// Texte der Werbemittel der Affiliates.
import type { toolTexts as en } from './toolTexts.en.js';

export const toolTexts: Record<keyof typeof en, string> = {
  'nav.tools': 'Werbemittel',
  'link.recruit': 'Um andere Affiliates zu werben',
  'link.recruitHint': 'Der Link öffnet das Bewerbungsformular. Wer sich darüber bewirbt, gilt als von Ihnen geworben.',
  'tool.title': 'Werbemittel',
  'tool.text': 'Banner, Lightboxen, Mails und Links, jeweils mit Ihrem eigenen Link.',
  'tool.none': 'Noch keine Werbemittel',
  'tool.noneText': 'Was Ihre Programme anbieten, erscheint hier, solange Sie einen Link haben, der funktioniert.',
  'tool.group': 'Produktgruppe',
  'tool.anyGroup': 'Alle Gruppen',
  'tool.kind.link': 'Link',
  'tool.kind.banner': 'Banner',
  'tool.kind.lightbox': 'Lightbox',
  'tool.kind.email': 'E-Mail',
  'tool.download': 'Bild herunterladen ({{width}} × {{height}})',
  'tool.link': 'Ihr Link',
  'tool.html': 'HTML zum Einfügen',
  'tool.plain': 'Text zum Einfügen',
  'tool.copy': '{{what}} von {{tool}} kopieren',
};
