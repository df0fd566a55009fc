import type { documentTexts as english } from './documentTexts.en.js';

export const documentTexts: Readonly<Record<keyof typeof english, string>> = {
  'nav.documents': 'Dokumente',
  'affiliate.tab.documents': 'Dokumente',
  'program.tab.documents': 'Dokumente',
  'document.title': 'Dokumente',
  'document.text': 'Was Affiliates als Nachweis gesendet haben und was auf eine Entscheidung wartet.',
  'document.waiting': 'Was wartet',
  'document.empty': 'Kein Dokument',
  'document.emptyText': 'Programme, die Dokumente verlangen, sagen das unter Dokumente.',
  'document.none': 'Kein Programm dieses Affiliates verlangt ein Dokument.',
  'document.verdict': 'Entscheidung',
  'document.kindsText':
    'Was Affiliates dieses Programms nachweisen müssen. Sie senden es aus dem Portal oder mit ihrer Bewerbung; Mitarbeiter nehmen es an oder lehnen es ab.',
  'document.noKinds': 'Das Programm verlangt kein Dokument.',
  'document.kind': 'Dokument {{number}}',
  'document.hint': 'Hinweis für den Affiliate',
  'document.required': 'Erforderlich',
  'document.expires': 'Es trägt ein Datum, bis zu dem es gilt',
  'document.remove': 'Entfernen',
  'document.removeKind': '{{label}} entfernen',
  'document.addKind': 'Dokument hinzufügen',
  'document.blocks': 'Keine Aktivierung, bevor jedes erforderliche Dokument angenommen ist',
  'document.blocksHint': 'Ohne dies wird die Liste gezeigt und steht niemandem im Weg. Wer schon aktiv ist, bleibt es.',
  'document.saveKinds': 'Dokumente speichern',
  'document.kindsSaved': 'Gespeichert',
};
