import type { ReactElement } from 'react';
import { getMeNoticesOptions } from '../client/@tanstack/react-query.gen.js';
import { startApp } from '../kit/App.js';
import type { Catalogues } from '../kit/i18n.js';
import { createSurface } from '../kit/screens.js';
import { NoticeBell } from '../kit/NoticeCenter.js';
import { RequireSession } from '../kit/session.js';
import { Shell } from '../kit/Shell.js';
import { StepUpProvider } from '../kit/stepUp.js';
import { PortalBrand } from './PortalBrand.js';
import { PortalGate } from './PortalGate.js';
import { PortalZone } from './PortalZone.js';
import { ViewBar } from './ViewBar.js';
import { affiliateMenu } from './navigation.js';
import { affiliateScreens } from './screens.js';
import { en } from './texts.en.js';

const catalogues: Catalogues = { en, de: async () => (await import('./texts.de.js')).de };

function Frame({ children }: { readonly children: ReactElement }): ReactElement {
  return (
    <RequireSession audience="affiliate">
      <StepUpProvider>
        <PortalZone>
          <Shell
            menu={affiliateMenu}
            brand={<PortalBrand />}
            bell={<NoticeBell list={(query) => getMeNoticesOptions({ query: query as never }) as never} />}
            hasSearch={false}
            hasModes={false}
          >
            <ViewBar />
            <PortalGate>{children}</PortalGate>
          </Shell>
        </PortalZone>
      </StepUpProvider>
    </RequireSession>
  );
}

startApp({
  reader: 'public',
  catalogues,
  content: createSurface({ basepath: '/portal', screens: affiliateScreens, frame: Frame }),
}).catch((error: unknown) => {
  throw error; // shown by the browser: nothing of ours is there yet to show it
});
