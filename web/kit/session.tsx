import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { createContext, type ReactElement, type ReactNode, useContext, useEffect } from 'react';
import { Center, Loader } from '@mantine/core';
import { getMe, postAuthLogout } from '../client/sdk.gen.js';
import type { Me } from '../client/types.gen.js';
import { askFor, keepCsrfToken, keepMe } from './api.js';
import { ErrorView } from './ErrorView.js';
import { isProblem, type ProblemError } from './problem.js';

const MeContext = createContext<Me | null>(null);

/** Who is signed in. Only inside `RequireSession`. */
export function useMe(): Me {
  const me = useContext(MeContext);
  if (me === null) throw new Error('useMe is used outside of RequireSession');
  return me;
}

/** Whether menus and buttons that need this right are there at all; the server judges each call again. */
export function useCan(): (permission: string) => boolean {
  const { permissions } = useMe();
  return (permission) => permissions.includes(permission);
}

function useMeQuery(): UseQueryResult<Me, ProblemError> {
  return useQuery<Me, ProblemError>({
    queryKey: ['me'],
    queryFn: async ({ signal }) => keepMe((await getMe({ signal, throwOnError: true })).data),
    staleTime: 60_000,
    retry: (count, error) => count < 2 && !isProblem(error, 'unauthenticated', 'wrong_audience'),
  });
}

function toSignIn(): void {
  const { pathname, search } = window.location;
  const next = pathname === '/' ? '' : `?next=${encodeURIComponent(pathname + search)}`;
  window.location.assign(`/sign-in${next}`);
}

/** What is inside is for signed-in people of one audience; everybody else is taken to the sign-in page, or to their own home. */
export function RequireSession({
  audience,
  children,
}: {
  readonly audience: Me['audience'];
  readonly children: ReactNode;
}): ReactElement {
  askFor(audience);
  const { data: me, error, refetch } = useMeQuery();
  const isSignedOut = isProblem(error, 'unauthenticated');
  const isElsewhere = me !== undefined && me.audience !== audience;
  useEffect(() => {
    if (isSignedOut) toSignIn();
    else if (isElsewhere) window.location.assign(me.homePath);
  }, [isSignedOut, isElsewhere, me?.homePath]);
  if (error !== null && !isSignedOut && me === undefined)
    return (
      <Center component="main" mih="100vh" p="md">
        <ErrorView
          error={error}
          onRetry={() => {
            refetch().catch(() => undefined); // shown by the query itself
          }}
        />
      </Center>
    );
  if (me === undefined || isSignedOut || isElsewhere)
    return (
      <Center component="main" mih="100vh">
        <Loader role="progressbar" aria-label="Tributary" />
      </Center>
    );
  return <MeContext value={me}>{children}</MeContext>;
}

/** Ends the session and forgets all that was read under it. Whoever looked at a portal is back at its affiliate in the console. */
export function useSignOut(): () => Promise<void> {
  const queries = useQueryClient();
  const viewing = useContext(MeContext)?.viewing ?? null;
  return async () => {
    await postAuthLogout({ throwOnError: true });
    keepCsrfToken(null);
    queries.clear();
    window.location.assign(viewing === null ? '/sign-in' : `/affiliates/${viewing.affiliate.id}`);
  };
}
