import type { ReactElement } from 'react';
import { startApp } from '../kit/App.js';
import type { Catalogues } from '../kit/i18n.js';
import { createSurface } from '../kit/screens.js';
import { RequireSession } from '../kit/session.js';
import { Shell } from '../kit/Shell.js';
import { StepUpProvider } from '../kit/stepUp.js';
import { PortalZone } from './PortalZone.js';
import { resellerMenu } from './navigation.js';
import { resellerScreens } from './screens.js';
import { en } from './texts.en.js';

const catalogues: Catalogues = { en, de: async () => (await import('./texts.de.js')).de };

function Frame({ children }: { readonly children: ReactElement }): ReactElement {
  return (
    <RequireSession audience="reseller">
      <StepUpProvider>
        <PortalZone>
          <Shell menu={resellerMenu} brand="Tributary" hasSearch={false} hasModes={false}>
            {children}
          </Shell>
        </PortalZone>
      </StepUpProvider>
    </RequireSession>
  );
}

startApp({
  reader: 'public',
  catalogues,
  content: createSurface({ basepath: '/reseller', screens: resellerScreens, frame: Frame }),
}).catch((error: unknown) => {
  throw error; // shown by the browser: nothing of ours is there yet to show it
});
