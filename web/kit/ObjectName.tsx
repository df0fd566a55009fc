import { Anchor, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ReactElement } from 'react';
import {
  getAffiliatesByAffiliateIdOptions,
  getAffiliatesOptions,
  getProductsOptions,
  getProgramsOptions,
} from '../client/@tanstack/react-query.gen.js';
import { useCan } from './session.js';

const kept = { staleTime: 60_000, retry: false } as const;
const most = 200;

/** An affiliate by name, with the way to its screen; its id for people who may not read affiliates. */
export function AffiliateName({ id }: { readonly id: string | null }): ReactElement {
  const mayRead = useCan()('affiliate.read') && id !== null;
  // One read serves every name of a list; only an affiliate beyond it is asked for alone.
  const all = useQuery({ ...getAffiliatesOptions({ query: { limit: most } }), ...kept, enabled: mayRead });
  const listed = all.data?.data.find((one) => one.id === id)?.name;
  const alone = useQuery({
    ...getAffiliatesByAffiliateIdOptions({ path: { affiliateId: id ?? '' } }),
    ...kept,
    enabled: mayRead && !all.isPending && listed === undefined,
  });
  if (id === null)
    return (
      <Text span inherit>
        –
      </Text>
    );
  const name = listed ?? alone.data?.name;
  if (name === undefined)
    return (
      <Text span inherit>
        {id}
      </Text>
    );
  return <NameLink to={`/affiliates/${id}`} name={name} />;
}

/** A program by name, with the way to its screen. */
export function ProgramName({ id }: { readonly id: string | null }): ReactElement {
  const mayRead = useCan()('program.read') && id !== null;
  const all = useQuery({ ...getProgramsOptions({ query: { limit: most } }), ...kept, enabled: mayRead });
  if (id === null)
    return (
      <Text span inherit>
        –
      </Text>
    );
  const name = all.data?.data.find((one) => one.id === id)?.name;
  return name === undefined ? (
    <Text span inherit>
      {id}
    </Text>
  ) : (
    <NameLink to={`/programs/${id}`} name={name} />
  );
}

/** A product by name. */
export function ProductName({ id }: { readonly id: string | null }): ReactElement {
  const mayRead = useCan()('program.read') && id !== null;
  const all = useQuery({ ...getProductsOptions({ query: { limit: most } }), ...kept, enabled: mayRead });
  return (
    <Text span inherit>
      {id === null ? '–' : (all.data?.data.find((one) => one.id === id)?.name ?? id)}
    </Text>
  );
}

/** A link to another object of the console. */
export function NameLink({ to, name }: { readonly to: string; readonly name: string }): ReactElement {
  return (
    <Anchor component={Link} to={to} underline="always" inherit>
      {name}
    </Anchor>
  );
}
