/** A page of the click edge in each language that visitors are spoken to in. */
export type EdgePage = Readonly<Record<'en' | 'de', Buffer>>;

/** The one of our languages that a browser asks for first; English for everybody else (RFC 9110, 12.5.4). */
export function languageOf(acceptLanguage: string | undefined): 'en' | 'de' {
  let best: { readonly language: 'en' | 'de'; readonly weight: number } = { language: 'en', weight: 0 };
  for (const part of (acceptLanguage ?? '').slice(0, 200).split(',')) {
    const [, language, , weight = '1'] = /^\s*(en|de)(-[a-z0-9-]+)?\s*(?:;\s*q=([\d.]+))?\s*$/i.exec(part) ?? [];
    if (language !== undefined && Number(weight) > best.weight)
      best = { language: language.toLowerCase() as 'en' | 'de', weight: Number(weight) };
  }
  return best.language;
}

function html(language: 'en' | 'de', title: string, body: string): Buffer {
  return Buffer.from(
    `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">` +
      `<meta name="color-scheme" content="light dark"><title>${title}</title></head>` +
      `<body style="font:1.1rem/1.5 system-ui;margin:4rem auto;max-width:34rem;padding:0 1rem">` +
      `<main><h1>${title}</h1><p>${body}</p></main></body></html>`,
  );
}

export const neutralPage: EdgePage = {
  en: html('en', 'This link leads nowhere', 'It may be old or mistyped. Please go back to where you found it.'),
  de: html(
    'de',
    'Dieser Link führt nirgendwohin',
    'Er ist alt oder verschrieben. Bitte gehen Sie dorthin zurück, wo Sie ihn gefunden haben.',
  ),
};

export const busyPage: EdgePage = {
  en: html('en', 'One moment, please', 'We could not open this link just now. Please try again in a few seconds.'),
  de: html(
    'de',
    'Einen Moment bitte',
    'Wir konnten diesen Link gerade nicht öffnen. Bitte versuchen Sie es in ein paar Sekunden noch einmal.',
  ),
};

/** What a visitor of a link that is over sees where the program names no page of its own: a way on, no error, no credit (screens.md 8). */
export function overPage(program: { readonly name: string; readonly wayOn: string | undefined }): EdgePage {
  const name = escaped(program.name);
  const link = (text: string): string =>
    program.wayOn === undefined ? '' : ` <a href="${escaped(program.wayOn)}">${text}</a>`;
  return {
    en: html(
      'en',
      name,
      `This offer is not available any more. Thank you for your interest.${link('Go on to our website')}`,
    ),
    de: html(
      'de',
      name,
      `Dieses Angebot gibt es nicht mehr. Danke für Ihr Interesse.${link('Weiter zu unserer Website')}`,
    ),
  };
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
