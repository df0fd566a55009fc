// Brand colours are checked when they are saved: white text stands on them and they stand on white (screens.md 1.5, WCAG 2.2 1.4.3).

/** WCAG AA for text of normal size. */
const enough = 4.5;

function channels(color: string): readonly [number, number, number] {
  const part = (at: number): number => Number.parseInt(color.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}

/** Relative luminance as WCAG 2.2 defines it, 0 to 1. */
function luminance(color: string): number {
  const [red, green, blue] = channels(color).map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** Contrast with white, 1 to 21. `color` is `#rrggbb` in lower case. */
export function contrastWithWhite(color: string): number {
  return 1.05 / (luminance(color) + 0.05);
}

/** Undefined when the colour passes; else the nearest darker one of the same hue that does. */
export function nearestReadable(color: string): string | undefined {
  if (contrastWithWhite(color) >= enough) return undefined;
  const [red, green, blue] = channels(color);
  const shaded = (percent: number): string =>
    `#${[red, green, blue]
      .map((channel) =>
        Math.floor((channel * percent) / 100)
          .toString(16)
          .padStart(2, '0'),
      )
      .join('')}`;
  for (let percent = 99; percent > 0; percent -= 1) {
    const candidate = shaded(percent);
    if (contrastWithWhite(candidate) >= enough) return candidate;
  }
  return '#000000';
}
