import type { ReactElement } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Button, Code, CopyButton, Group, Paper, Stack, Table, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { getMeLinksOptions, getMeRecruitsOptions } from '../../../client/@tanstack/react-query.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { EmptyList } from '../../../kit/EmptyList.js';
import { PageHead } from '../../../kit/Shell.js';
import { FileButton } from '../../../kit/FileButton.js';

/** How many came through me and what they brought; never who they are or who buys from them (PRT-18). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const recruits = useQuery(getMeRecruitsOptions());
  return (
    <>
      <PageHead title={t('recruit.title')} text={t('recruit.text')} />
      <OwnRecruitLinks />
      <Loaded query={recruits}>
        {({ data, counts, sums }) =>
          data.length === 0 ? (
            <EmptyList title={t('recruit.none')} text={t('recruit.noneText')} />
          ) : (
            <>
              <Paper withBorder p="md" mb="md">
                <Group justify="space-between">
                  <Text>
                    {t('recruit.count', { count: counts?.total ?? 0, active: counts?.byStatus['active'] ?? 0 })}
                  </Text>
                  <MoneyList values={sums ?? []} />
                </Group>
              </Paper>
              <FileButton name="recruits" query={(query) => getMeRecruitsOptions({ query: query as never }) as never} />
              <Table className="resource-table" aria-label={t('recruit.title')}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th>{t('recruit.reference')}</Table.Th>
                    <Table.Th>{t('recruit.depth')}</Table.Th>
                    <Table.Th>{t('recruit.state')}</Table.Th>
                    <Table.Th>{t('recruit.joined')}</Table.Th>
                    <Table.Th data-align="right">{t('home.sales')}</Table.Th>
                    <Table.Th data-align="right">{t('recruit.earned')}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {data.map((one) => (
                    <Table.Tr key={one.id}>
                      <Table.Td data-label={t('recruit.reference')}>{one.id}</Table.Td>
                      <Table.Td data-label={t('recruit.depth')}>{one.depth}</Table.Td>
                      <Table.Td data-label={t('recruit.state')}>
                        {t(one.active ? 'recruit.active' : 'recruit.inactive')}
                      </Table.Td>
                      <Table.Td data-label={t('recruit.joined')}>
                        <DateText value={one.joinedAt} time={false} />
                      </Table.Td>
                      <Table.Td data-label={t('home.sales')} data-align="right">
                        {one.sales}
                      </Table.Td>
                      <Table.Td data-label={t('recruit.earned')} data-align="right">
                        {one.earned.length === 0 ? '–' : <MoneyList values={one.earned} />}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </>
          )
        }
      </Loaded>
    </>
  );
}

/** The links by which others join (LNK-23); a new one is made where links are made. */
function OwnRecruitLinks(): ReactElement | null {
  const { t } = useTranslation();
  const links = useQuery(getMeLinksOptions({ query: { kind: 'recruit', status: 'active', limit: 20 } as never }));
  const own = links.data?.data;
  if (own === undefined) return null;
  return (
    <Paper withBorder p="md" mb="md">
      <Stack gap="xs">
        <Text fw={600}>{t('recruit.links')}</Text>
        {own.length === 0 ? <Text size="sm">{t('recruit.noLink')}</Text> : null}
        {own.map((link) => (
          <Group key={link.id} gap="xs">
            <Code style={{ overflowWrap: 'anywhere' }}>{link.url}</Code>
            <CopyButton value={link.url}>
              {({ copied, copy }) => (
                <Button size="compact-sm" onClick={copy} aria-label={t('link.copyOne', { link: link.slug })}>
                  {t(copied ? 'copied' : 'copy')}
                </Button>
              )}
            </CopyButton>
          </Group>
        ))}
      </Stack>
    </Paper>
  );
}
