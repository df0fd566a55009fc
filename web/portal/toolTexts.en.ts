// Texts of the affiliates' promo tools.
export const toolTexts = {
  'nav.tools': 'Promo tools',
  'tool.title': 'Promo tools',
  'tool.text': 'Banners, lightboxes, mails and links, each with your own link in it.',
  'tool.none': 'No promo tools yet',
  'tool.noneText': 'What your programs offer appears here, as long as you have a link that works.',
  'tool.group': 'Product group',
  'tool.anyGroup': 'All groups',
  'tool.kind.link': 'Link',
  'tool.kind.banner': 'Banner',
  'tool.kind.lightbox': 'Lightbox',
  'tool.kind.email': 'E-mail',
  'tool.download': 'Download the picture ({{width}} × {{height}})',
  'tool.link': 'Your link',
  'tool.html': 'HTML to paste',
  'tool.plain': 'Text to paste',
  'tool.copy': 'Copy {{what}} of {{tool}}',
};
