import { type AnyRoute, createRouter, useNavigate, useSearch } from '@tanstack/react-router';

/** The address's parameters as they stand there: text, never parsed into numbers or booleans. The API judges them. */
export type Search = Readonly<Record<string, string>>;

// The kit's tables live under any route of any surface, so the router's type is the loose one on purpose: paths are checked by a test.
export function createAppRouter(routeTree: AnyRoute, basepath: string) {
  return createRouter({
    routeTree,
    basepath,
    parseSearch: (text) => Object.fromEntries(new URLSearchParams(text)),
    stringifySearch: (search) => {
      const entries = Object.entries(search as Search).filter(([, value]) => value !== undefined && value !== '');
      return entries.length === 0 ? '' : `?${new URLSearchParams(entries).toString()}`;
    },
    defaultPreload: false,
    scrollRestoration: true,
  });
}

/** The view is the address (screens.md 1.1): reads it, and changes some of it. An empty text takes a parameter away. */
export function useAddress(): {
  readonly search: Search;
  readonly change: (next: Readonly<Record<string, string>>, options?: { readonly replace?: boolean }) => void;
} {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  return {
    search,
    change: (next, { replace = false } = {}) => {
      const merged = Object.fromEntries(Object.entries({ ...search, ...next }).filter(([, value]) => value !== ''));
      navigate({ to: '.', search: merged as never, replace }).catch(() => undefined); // a navigation that another one overtook
    },
  };
}
