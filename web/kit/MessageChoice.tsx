import { NativeSelect, Paper, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { getMessageTemplatesOptions } from '../client/@tanstack/react-query.gen.js';
import type { MessagePreview } from '../client/types.gen.js';
import { postPath, readPath } from './api.js';
import { Loaded } from './Loaded.js';

/**
 * Which template is sent about the selected rows, and how it reads to the affiliate of the first of them (COM-11, NTF-14): each affiliate gets
 * one mail that lists all of its own.
 */
export function MessageChoice({
  about,
  firstId,
  value,
  onChange,
}: {
  readonly about: 'commissions' | 'payouts';
  /** The first selected row; a whole filter has none, and examples stand in. */
  readonly firstId: string | undefined;
  readonly value: string;
  readonly onChange: (templateId: string) => void;
}): ReactElement {
  const { t } = useTranslation();
  const templates = useQuery(getMessageTemplatesOptions({ query: { sort: 'name', limit: 200 } }));
  const listed = templates.data?.data ?? [];
  const first = listed[0]?.id;
  useEffect(() => {
    if (value === '' && first !== undefined) onChange(first);
  }, [value, first, onChange]);
  const preview = useQuery({
    queryKey: ['message-preview', about, value, firstId],
    enabled: value !== '',
    queryFn: async () => {
      const path = `/v1/message-templates/${value}/preview`;
      if (firstId === undefined) return postPath<MessagePreview>(path, {});
      const { affiliateId } = await readPath<{ readonly affiliateId: string }>(`/v1/${about}/${firstId}`);
      const ids = about === 'payouts' ? { payoutIds: [firstId] } : { commissionIds: [firstId] };
      return postPath<MessagePreview>(path, { affiliateId, ...ids });
    },
  });
  return (
    <>
      <Text size="sm">{t('bulk.onePerAffiliate')}</Text>
      <Loaded query={templates}>
        {({ data }) =>
          data.length === 0 ? (
            <Text size="sm">{t('bulk.noTemplate')}</Text>
          ) : (
            <NativeSelect
              label={t('bulk.template')}
              description={t('bulk.templateHint')}
              value={value}
              onChange={(event) => onChange(event.currentTarget.value)}
              data={data.map((one) => ({ value: one.id, label: `${one.name} (${one.language})` }))}
              required
            />
          )
        }
      </Loaded>
      {value === '' ? null : (
        <Loaded query={preview} lines={3}>
          {({ subject, body }) => (
            <Paper withBorder p="sm" component="section" aria-label={t('bulk.messagePreview')}>
              <Text size="sm" c="dimmed">
                {t(firstId === undefined ? 'bulk.withExamples' : 'bulk.toFirst')}
              </Text>
              <Text fw={600}>{subject}</Text>
              <Text size="sm" style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
                {body}
              </Text>
            </Paper>
          )}
        </Loaded>
      )}
    </>
  );
}
