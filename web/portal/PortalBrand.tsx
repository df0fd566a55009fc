import { Group, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { getWorkspaceOptions } from '../client/@tanstack/react-query.gen.js';

/** The merchant's own: affiliates come to a shop, not to a product they never heard of (screens.md 1.5). Its colour was checked when saved. */
export function PortalBrand(): ReactElement {
  const { data } = useQuery({ ...getWorkspaceOptions(), staleTime: 300_000 });
  const { color, logoUrl } = (data?.branding ?? {}) as { readonly color?: string; readonly logoUrl?: string | null };
  // The content policy takes pictures from our own origin only: another address would be a hole that shows the merchant who is here when. A
  // picture of the library is served on every domain of the workspace, this one too; what was saved before it had to be one is left out.
  const { pathname } = new URL(logoUrl ?? '/', window.location.origin);
  const logo = pathname.startsWith('/t/media/') ? pathname : null;
  return (
    <Group component="span" gap="xs" wrap="nowrap" data-brand={color ?? ''}>
      {logo === null ? null : <img src={logo} alt="" height={28} />}
      <Text
        component="span"
        fw={700}
        truncate
        {...(color === undefined ? {} : { px: 'xs', py: 2, c: 'white', style: { background: color, borderRadius: 4 } })}
      >
        {data?.name ?? ''}
      </Text>
    </Group>
  );
}
