import {
  createTheme,
  type CSSVariablesResolver,
  Badge,
  Button,
  Drawer,
  type MantineColorsTuple,
  Modal,
} from '@mantine/core';

// Deep enough at shade 8 for white text, light enough at shade 4 for text on dark: checked by axe on every route (dependencies.md 2, fact 11).
const river: MantineColorsTuple = [
  '#ecfeff',
  '#cff5fa',
  '#a5e8f1',
  '#67d3e3',
  '#3bb8cc',
  '#1f97ad',
  '#177a90',
  '#155e75',
  '#164e63',
  '#0f3a4c',
];

export const theme = createTheme({
  primaryColor: 'river',
  colors: { river },
  primaryShade: { light: 8, dark: 7 },
  autoContrast: true,
  luminanceThreshold: 0.35,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif",
  components: {
    Badge: Badge.extend({ defaultProps: { radius: 'sm', tt: 'none', fw: 500 } }),
    Button: Button.extend({ defaultProps: { radius: 'md' } }),
    // The head of a dialog is a <header>, which beside the page's own would be a second banner.
    Drawer: Drawer.extend({ defaultProps: { attributes: { header: { role: 'presentation' } } } }),
    Modal: Modal.extend({ defaultProps: { attributes: { header: { role: 'presentation' } } } }),
  },
});

/** What Mantine's own variables leave below 4.5:1: dimmed text, links, errors and placeholders. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#4b5563',
    '--mantine-color-anchor': '#155e75',
    '--mantine-color-error': '#b42318',
    '--mantine-color-placeholder': '#5b6472',
  },
  dark: {
    '--mantine-color-dimmed': '#b3bac4',
    '--mantine-color-anchor': '#67d3e3',
    '--mantine-color-error': '#ff9b94',
    '--mantine-color-placeholder': '#a7afba',
  },
});

export type Tone = 'neutral' | 'wait' | 'good' | 'bad' | 'note';

/** Background and text of a tone in both themes: pairs of at least 7:1, never Mantine's own `light` variant. */
export const tones: Readonly<Record<Tone, { readonly background: string; readonly color: string }>> = {
  neutral: { background: 'light-dark(#e5e7eb, #374151)', color: 'light-dark(#1f2937, #f3f4f6)' },
  wait: { background: 'light-dark(#fef3c7, #5c3c0b)', color: 'light-dark(#713f12, #fdecc0)' },
  good: { background: 'light-dark(#d1fae5, #0c4a33)', color: 'light-dark(#064e3b, #d1fae5)' },
  bad: { background: 'light-dark(#fee2e2, #6b1d1d)', color: 'light-dark(#7f1d1d, #fee2e2)' },
  note: { background: 'light-dark(#dbeafe, #1e3a6b)', color: 'light-dark(#1e3a8a, #dbeafe)' },
};
