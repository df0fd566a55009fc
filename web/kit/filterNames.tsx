import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { getSearch } from '../client/sdk.gen.js';
import type { GetSearchResponse } from '../client/types.gen.js';
import { useMe } from './session.js';

type Hit = GetSearchResponse['data'][number];

/** Of the history of everything: an object of any kind. */
const anyKind = '*';
/** Fields of lists that hold an id, with the kind by which the search finds the name behind it. People know names only. */
const kindOfField: Readonly<Record<string, string>> = {
  affiliateId: 'affiliate',
  programId: 'program',
  linkId: 'link',
  groupId: 'group',
  keyId: 'api_key',
  actorId: 'user',
  ownerId: 'affiliate',
  objectId: anyKind,
};
/** What is named by something else than an id too: a gateway's account, a part of the settings. Such a word is taken as it is. */
const isNamedItself: ReadonlySet<string> = new Set(['ownerId', 'objectId', 'actorId']);
const isId = /^[a-z]{2,4}_[0-9a-z]{26}$/;
/** As many as the search gives of one kind: there may be more, so none of them is taken for the one that was meant. */
const mostHits = 5;

/** The kind of object whose id the field holds, where this reader may search for names: staff only. */
export function useNamedKind(): (field: string) => string | undefined {
  const { audience } = useMe();
  return (field) => (audience === 'staff' ? kindOfField[field] : undefined);
}

async function hitsOf(q: string, kind: string): Promise<readonly Hit[]> {
  const { data } = await getSearch({ query: { q }, throwOnError: true });
  return kind === anyKind ? data.data : data.data.filter((hit) => hit.kind === kind);
}

/** Whom a word means: ids of all that match, or why none is taken. Ids mean themselves. */
export async function idsNamed(
  word: string,
  field: string,
  kind: string,
): Promise<readonly string[] | 'nobody' | 'too_many'> {
  const parts = word.split(',');
  if (parts.every((part) => isId.test(part))) return parts;
  const hits = await hitsOf(word, kind);
  const exact = hits.filter((hit) => hit.title.toLowerCase() === word.toLowerCase());
  const meant = exact.length > 0 ? exact : hits;
  if (meant.length === 0) return isNamedItself.has(field) && !word.includes(' ') ? parts : 'nobody';
  return exact.length === 0 && hits.length >= mostHits ? 'too_many' : meant.map((hit) => hit.id);
}

/** The name behind an id that a chip holds; the id itself for readers who may not open it. */
export function HeldName({ id, kind }: { readonly id: string; readonly kind: string }): ReactElement {
  const { data } = useQuery({
    queryKey: ['search', kind, id],
    queryFn: () => hitsOf(id, kind),
    staleTime: 60_000,
    retry: false,
  });
  return <>{data?.find((hit) => hit.id === id)?.title ?? id}</>;
}

/** `field:value` and plain words of a search box; quotes hold a value with spaces together. */
export function wordsOf(text: string): readonly { readonly field: string | null; readonly value: string }[] {
  return [...text.matchAll(/([^\s:"]+):"([^"]*)"|([^\s:"]+):(\S+)|(\S+)/g)].map((match) => {
    const field = match[1] ?? match[3] ?? null;
    return { field, value: (match[2] ?? match[4] ?? match[5] ?? '').trim() };
  });
}
