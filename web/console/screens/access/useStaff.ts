import { useQuery } from '@tanstack/react-query';
import { getUsersOptions } from '../../../client/@tanstack/react-query.gen.js';
import { useCan } from '../../../kit/session.js';

/** Staff by name, for those who may read them. */
export function useStaff(): readonly { readonly value: string; readonly label: string }[] {
  const people = useQuery({
    ...getUsersOptions({ query: { audience: 'staff', status: 'active', limit: 200 } }),
    staleTime: 60_000,
    enabled: useCan()('user.read'),
  });
  return (people.data?.data ?? []).map((one) => ({ value: one.id, label: one.name }));
}
