import { Group, Stack, Text } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { AffiliateName, NameLink } from './ObjectName.js';

/** Where the objects that evidence names have a screen. */
const screens: Readonly<Record<string, string>> = { ref: '/referrals', con: '/contacts', sal: '/sales' };

/**
 * What a finding or a check rests on, a line for each thing: people and facts as links, kinds in words, counts as they are. The edges of a
 * ring are left to the export: who and what connects them stands beside them. What a provider adds by itself keeps its name.
 */
export function Evidence({ of }: { readonly of: Readonly<Record<string, unknown>> }): ReactElement | null {
  const { t, i18n } = useTranslation();
  const lines = Object.entries(of).filter(([name, value]) => name !== 'edges' && value !== null && value !== undefined);
  if (lines.length === 0) return null;
  return (
    <Stack gap={0}>
      {lines.map(([name, value]) => (
        <Group key={name} gap={4} wrap="wrap">
          <Text span size="sm" c="dimmed">
            {`${i18n.exists(`evidence.${name}`) ? t(`evidence.${name}`) : name}:`}
          </Text>
          {(Array.isArray(value) ? (value as readonly unknown[]) : [value]).map((one, index) => (
            <Text key={`${index}${JSON.stringify(one)}`} span size="sm" style={{ overflowWrap: 'anywhere' }}>
              <Value of={one} />
            </Text>
          ))}
        </Group>
      ))}
    </Stack>
  );
}

function Value({ of }: { readonly of: unknown }): ReactElement {
  const { t, i18n } = useTranslation();
  if (typeof of === 'number') return <>{String(Math.round(of * 10) / 10)}</>;
  if (typeof of !== 'string') return <>{JSON.stringify(of)}</>;
  const [prefix = ''] = of.split('_');
  if (prefix === 'aff') return <AffiliateName id={of} />;
  const screen = screens[prefix];
  if (screen !== undefined) return <NameLink to={`${screen}/${of}`} name={of} />;
  return <>{i18n.exists(`evidence.kind.${of}`) ? t(`evidence.kind.${of}`) : of}</>;
}
