import '@mantine/core/styles.css';
import '@mantine/notifications/styles.css';
import './kit.css';
import { localStorageColorSchemeManager, MantineProvider, mergeThemeOverrides, Notification } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { type ReactElement, type ReactNode, StrictMode, useMemo } from 'react';
import { createRoot } from 'react-dom/client';
import { useTranslation } from 'react-i18next';
import { configureApi } from './api.js';
import { type Catalogues, startI18n } from './i18n.js';
import { ProblemError } from './problem.js';
import { ReaderContext } from './texts.js';
import { cssVariables, theme } from './theme.js';

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
// The library that keeps the page behind a dialog still takes the nonce of its style element from this name.
(globalThis as { __webpack_nonce__?: string }).__webpack_nonce__ = nonce;

/** The kind of page that the server says this is: which one-time link, for instance. */
export const pageDetail = document.querySelector<HTMLMetaElement>('meta[name="page"]')?.content ?? '';

const colorScheme = localStorageColorSchemeManager({ key: 'color-scheme' });

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: true,
      // A refusal stays one; only what never came, or a server that is away, is worth asking again.
      retry: (count, error) =>
        count < 2 && error instanceof ProblemError && (error.status === 0 || error.status >= 502),
    },
  },
});

function Providers({
  reader,
  children,
}: {
  readonly reader: 'staff' | 'public';
  readonly children: ReactNode;
}): ReactElement {
  const { t } = useTranslation();
  const worded = useMemo(
    () =>
      mergeThemeOverrides(theme, {
        components: {
          // The cross of a notification has no words of its own.
          Notification: Notification.extend({
            defaultProps: { closeButtonProps: { 'aria-label': t('close') } },
            // Below a title the library prints it in a grey that 3.3:1 are left of (WCAG 1.4.3 asks for 4.5).
            styles: { description: { color: 'var(--mantine-color-text)' } },
          }),
        },
      }),
    [t],
  );
  return (
    <StrictMode>
      <MantineProvider
        theme={worded}
        cssVariablesResolver={cssVariables}
        colorSchemeManager={colorScheme}
        defaultColorScheme="auto"
        getStyleNonce={() => nonce}
      >
        <QueryClientProvider client={queries}>
          <ReaderContext value={reader}>
            <Notifications position="bottom-right" />
            {children}
          </ReaderContext>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>
  );
}

/** Starts one of the surfaces. `reader` says whose reason texts are shown. */
export async function startApp(options: {
  readonly reader: 'staff' | 'public';
  readonly catalogues: Catalogues;
  readonly content: ReactNode;
}): Promise<void> {
  configureApi();
  await startI18n(options.catalogues);
  const root = document.getElementById('root');
  if (root === null) throw new Error('the page has no root');
  createRoot(root).render(<Providers reader={options.reader}>{options.content}</Providers>);
}
