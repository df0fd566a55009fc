import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { getWorkspaceOptions } from '../client/@tanstack/react-query.gen.js';
import { ZoneContext } from '../kit/DateText.js';

/** Payout days are cut in the merchant's zone, so that is the one shown; it is printed with every date. */
export function PortalZone({ children }: { readonly children: ReactElement }): ReactElement {
  const { data } = useQuery({ ...getWorkspaceOptions(), staleTime: 300_000 });
  return <ZoneContext value={data?.timeZone ?? 'UTC'}>{children}</ZoneContext>;
}
