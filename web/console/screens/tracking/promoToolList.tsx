import { Button, Code, CopyButton, Group, Image, Modal, NativeSelect, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { TFunction } from 'i18next';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getAffiliatesOptions,
  getPromoToolsByToolIdSnippetOptions,
  getPromoToolsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import type { PromoTool } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { useKeys } from '../../../kit/keys.js';
import { MoneyList } from '../../../kit/MoneyText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import type { Column } from '../../../kit/resourceColumns.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';
import { MediaLibrary, pathOf } from './mediaLibrary.js';
import { PromoToolForm, toolKinds } from './promoToolForm.js';

/** What each brought in the last thirty days (screens.md 3.11), by the tool that the click's address names. */
function figureColumns(t: TFunction): readonly Column<PromoTool>[] {
  return [
    ...(['clicks', 'visits', 'leads', 'sales'] as const).map(
      (name): Column<PromoTool> => ({
        key: name,
        title: t(name === 'visits' ? 'link.unique' : `affiliate.figure.${name}`),
        hint: t(name === 'visits' ? 'link.uniqueHint' : 'affiliate.figures'),
        align: 'right',
        render: (row) => row.figures?.[name] ?? 0,
        csv: `figures.${name}`,
      }),
    ),
    {
      key: 'earned',
      title: t('tool.earned'),
      hint: t('tool.earnedHint'),
      align: 'right',
      render: (row) =>
        row.figures === undefined || row.figures.earned.length === 0 ? '–' : <MoneyList values={row.figures.earned} />,
      csv: 'figures.earned',
    },
  ];
}

/** Programs → Promo tools (screens.md 3.11): what affiliates promote with, and the images they show. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const can = useCan();
  const mayWrite = can('link.write');
  const seesFigures = can('report.read');
  const [edited, setEdited] = useState<PromoTool | 'new' | undefined>();
  const [shown, setShown] = useState<PromoTool | undefined>();
  const [isLibrary, setLibrary] = useState(false);
  useKeys({
    c: () => {
      if (mayWrite) setEdited('new');
    },
  });
  return (
    <>
      <PageHead
        title={t('tool.title')}
        text={t('tool.text')}
        actions={
          <Group gap="xs">
            <Button variant="default" onClick={() => setLibrary(true)}>
              {t('media.open')}
            </Button>
            {mayWrite ? <Button onClick={() => setEdited('new')}>{t('tool.new')}</Button> : null}
          </Group>
        }
      />
      <ResourceTable<PromoTool>
        screen="promo-tools"
        {...(seesFigures ? { include: 'figures' } : {})}
        label={t('tool.title')}
        hasText
        list={(query) => getPromoToolsOptions({ query }) as never}
        rowLabel={(row) => row.name}
        rowActions={(row) => (
          <RowMenu
            row={row.name}
            actions={[
              { key: 'snippet', text: t('tool.snippet'), onPress: () => setShown(row) },
              ...(mayWrite ? [{ key: 'edit', text: t('tool.edit'), onPress: () => setEdited(row) }] : []),
            ]}
          />
        )}
        empty={{ title: t('tool.none'), text: t('tool.noneText') }}
        filters={[
          {
            field: 'kind',
            label: t('tool.kind'),
            options: toolKinds.map((value) => ({ value, label: t(`tool.kind.${value}`) })),
          },
          {
            field: 'active',
            label: t('tool.active'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
          { field: 'programId', label: t('commission.filter.programId') },
          { field: 'campaign', label: t('tool.campaign') },
          { field: 'ad', label: t('tool.ad') },
        ]}
        columns={[
          {
            key: 'picture',
            title: t('tool.picture'),
            render: (row) =>
              row.picture === null ? '–' : <Image src={pathOf(row.picture)} alt="" h={40} w={80} fit="contain" />,
          },
          { key: 'name', title: t('tool.name'), sort: 'name', render: (row) => row.name, csv: 'name' },
          { key: 'kind', title: t('tool.kind'), render: (row) => t(`tool.kind.${row.kind}`), csv: 'kind' },
          { key: 'program', title: t('link.program'), render: (row) => row.programName, csv: 'programName' },
          {
            key: 'group',
            title: t('tool.group'),
            render: (row) => row.productGroupName ?? '–',
            csv: 'productGroupName',
          },
          { key: 'url', title: t('tool.url'), render: (row) => row.url, csv: 'url' },
          { key: 'campaign', title: t('tool.campaign'), render: (row) => row.campaign ?? '–', csv: 'campaign' },
          { key: 'ad', title: t('tool.ad'), render: (row) => row.ad ?? '–', csv: 'ad' },
          {
            key: 'active',
            title: t('tool.active'),
            render: (row) => t(row.active ? 'yes' : 'no'),
            csv: 'active',
          },
          ...(seesFigures ? figureColumns(t) : []),
          {
            key: 'createdAt',
            title: t('tool.created'),
            sort: 'createdAt',
            hidden: true,
            render: (row) => <DateText value={row.createdAt} />,
            csv: 'createdAt',
          },
        ]}
      />
      {edited === undefined ? null : (
        <PromoToolForm tool={edited === 'new' ? undefined : edited} onClose={() => setEdited(undefined)} />
      )}
      {shown === undefined ? null : <SnippetDialog tool={shown} onClose={() => setShown(undefined)} />}
      {isLibrary ? <MediaLibrary onClose={() => setLibrary(false)} /> : null}
    </>
  );
}

/** What one affiliate would paste: chosen by name, with their own link in it. */
function SnippetDialog({ tool, onClose }: { readonly tool: PromoTool; readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState('');
  const affiliates = useQuery(getAffiliatesOptions({ query: { programId: tool.programId, limit: 200 } }));
  const listed = affiliates.data?.data ?? [];
  const affiliateId = chosen === '' ? (listed[0]?.id ?? '') : chosen;
  const snippet = useQuery({
    ...getPromoToolsByToolIdSnippetOptions({ path: { toolId: tool.id }, query: { affiliateId } }),
    enabled: affiliateId !== '',
  });
  return (
    <Modal opened onClose={onClose} title={t('tool.snippet')} size="lg" closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        <NativeSelect
          label={t('link.affiliate')}
          value={affiliateId}
          data={listed.map((one) => ({ value: one.id, label: one.name }))}
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
        <Loaded query={snippet} lines={4}>
          {({ url, html, text }) => (
            <Stack>
              <Part what={t('tool.snippetUrl')} text={url} />
              <Part what={t('tool.snippetHtml')} text={html} />
              <Part what={t('tool.snippetText')} text={text} />
            </Stack>
          )}
        </Loaded>
      </Stack>
    </Modal>
  );
}

function Part({ what, text }: { readonly what: string; readonly text: string | null }): ReactElement | null {
  const { t } = useTranslation();
  if (text === null) return null;
  return (
    <Stack gap={4}>
      <Group justify="space-between">
        <Text size="sm" fw={600}>
          {what}
        </Text>
        <CopyButton value={text}>
          {({ copied, copy }) => (
            <Button size="compact-sm" variant="default" onClick={copy} aria-label={t('tool.copy', { what })}>
              {t(copied ? 'copied' : 'copy')}
            </Button>
          )}
        </CopyButton>
      </Group>
      <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
        {text}
      </Code>
    </Stack>
  );
}
