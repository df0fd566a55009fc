import { lazy, type ReactElement, Suspense } from 'react';
import { pageDetail, startApp } from '../kit/App.js';
import { Confirmed } from './Confirmed.js';
import { isLinkKind, OneTimeLink, UsedLink } from './OneTimeLink.js';
import { ForgotPassword, SignIn } from './SignIn.js';
import { en } from './texts.en.js';

/** Only where there is demo data: nobody else loads it. */
const DemoShop = lazy(async () => ({ default: (await import('./DemoShop.js')).DemoShop }));

/** The server says which page this is; the token stays in the address and goes nowhere but to our own API. */
function page(): ReactElement {
  const { pathname } = window.location;
  const token = /^\/(?:welcome|set-password|verify-email)\/([^/]+)$/.exec(pathname)?.[1];
  if (token !== undefined)
    return isLinkKind(pageDetail) ? (
      <OneTimeLink kind={pageDetail} token={token} />
    ) : (
      <UsedLink ofCustomer={pageDetail === 'used_customer'} />
    );
  if (pathname === '/demo-shop')
    return (
      <Suspense>
        <DemoShop />
      </Suspense>
    );
  if (pathname === '/confirmed') return <Confirmed />;
  return pathname === '/forgot-password' ? <ForgotPassword /> : <SignIn />;
}

startApp({
  reader: 'public',
  catalogues: { en, de: async () => (await import('./texts.de.js')).de },
  content: page(),
}).catch((error: unknown) => {
  throw error; // shown by the browser: nothing of ours is there yet to show it
});
