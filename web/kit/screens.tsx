import { Center, Loader } from '@mantine/core';
import {
  createRootRoute,
  createRoute,
  lazyRouteComponent,
  Outlet,
  RouterProvider,
  type ErrorComponentProps,
} from '@tanstack/react-router';
import type { ComponentType, ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { ErrorView } from './ErrorView.js';
import { EmptyList } from './EmptyList.js';
import { createAppRouter } from './router.js';
import { useCan } from './session.js';
import { PageHead } from './Shell.js';

/** One screen of a surface: its address, its file, and the rights of which one is needed to see it. */
export interface ScreenEntry {
  /** `/referrals/$referralId`; parameters by `useParams({ strict: false })`. */
  readonly path: string;
  /** The file exports its component as `Screen`; it is loaded when somebody goes there. */
  readonly load: () => Promise<{ readonly Screen: ComponentType }>;
  readonly rights?: readonly string[];
}

/** The router of a surface from its list of screens. Every screen knows its own errors; one that breaks never takes the menu along. */
export function createSurface(options: {
  readonly basepath: string;
  readonly screens: readonly ScreenEntry[];
  readonly frame: ComponentType<{ readonly children: ReactElement }>;
}): ReactElement {
  const { frame: Frame } = options;
  const root = createRootRoute({
    component: () => (
      <Frame>
        <Outlet />
      </Frame>
    ),
    notFoundComponent: NotFound,
  });
  const routes = options.screens.map((screen) => {
    const Component = lazyRouteComponent(screen.load, 'Screen');
    return createRoute({
      getParentRoute: () => root,
      path: screen.path,
      component: () => <Guarded rights={screen.rights} component={Component as ComponentType} />,
      errorComponent: Broken,
      pendingComponent: Pending,
    });
  });
  return <RouterProvider router={createAppRouter(root.addChildren(routes), options.basepath)} />;
}

function Guarded({
  rights,
  component: Component,
}: {
  readonly rights: readonly string[] | undefined;
  readonly component: ComponentType;
}): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  if (rights === undefined || rights.some(can)) return <Component />;
  return (
    <>
      <PageHead title={t('notAllowed.title')} />
      <EmptyList title={t('notAllowed.title')} text={t('notAllowed.text', { right: rights.join(', ') })} />
    </>
  );
}

function NotFound(): ReactElement {
  const { t } = useTranslation();
  return <PageHead title={t('notFound.title')} text={t('notFound.text')} />;
}

function Pending(): ReactElement {
  const { t } = useTranslation();
  return (
    <Center p="xl">
      <Loader role="progressbar" aria-label={t('loading')} />
    </Center>
  );
}

function Broken({ error, reset }: ErrorComponentProps): ReactElement {
  return <ErrorView error={error} onRetry={reset} />;
}
