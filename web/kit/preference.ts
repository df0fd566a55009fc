import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { getPreferencesByKeyOptions } from '../client/@tanstack/react-query.gen.js';
import { putPreferencesByKey } from '../client/sdk.gen.js';
import { useMe } from './session.js';

/** A person's own choices under one key, kept on the server: what is chosen holds at once and on the next visit. */
export function usePreference<T extends object>(
  key: string,
): { readonly value: Partial<T>; readonly keep: (change: Partial<T>) => void } {
  const { data } = useQuery({
    ...getPreferencesByKeyOptions({ path: { key } }),
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnMount: false,
  });
  const [own, setOwn] = useState<Partial<T>>({});
  const stored = (data?.value ?? {}) as Partial<T>;
  const isFirst = useRef(true);
  const { viewing } = useMe();
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    if (viewing !== null) return; // who looks at a portal changes nothing
    // A choice that could not be kept still holds on this screen; the next one tries again.
    putPreferencesByKey({ path: { key }, body: { value: { ...stored, ...own } }, throwOnError: true }).catch(
      () => undefined,
    );
    // Only what the reader changes is written; what the server tells is not written back.
  }, [own]);
  return { value: { ...stored, ...own }, keep: (change) => setOwn({ ...own, ...change }) };
}
