// Texts of supporting documents.
export const documentTexts = {
  'nav.documents': 'Documents',
  'affiliate.tab.documents': 'Documents',
  'program.tab.documents': 'Documents',
  'document.title': 'Documents',
  'document.text': 'What affiliates sent to show who they are, and what waits for a verdict.',
  'document.waiting': 'Those that wait',
  'document.empty': 'No document',
  'document.emptyText': 'Programs that ask for documents say so in their tab Documents.',
  'document.none': 'No program of this affiliate asks for a document.',
  'document.verdict': 'Verdict',
  'document.kindsText':
    'What affiliates of this program must show. They send it from the portal, or with their application; staff accept or refuse it.',
  'document.noKinds': 'The program asks for no document.',
  'document.kind': 'Document {{number}}',
  'document.hint': 'Hint for the affiliate',
  'document.required': 'Required',
  'document.expires': 'It carries a date until which it holds',
  'document.remove': 'Remove',
  'document.removeKind': 'Remove {{label}}',
  'document.addKind': 'Add a document',
  'document.blocks': 'No activation before every required document is accepted',
  'document.blocksHint':
    'Without this the list is shown, and stands in nobody’s way. Who is active already stays active.',
  'document.saveKinds': 'Save the documents',
  'document.kindsSaved': 'Saved',
};
