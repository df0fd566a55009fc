import { Button, Checkbox, Code, CopyButton, Group, Modal, Stack, Table, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { getTrackingSnippetsOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { TrackingSnippets } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { Loaded } from '../../../kit/Loaded.js';
import { useReasonText } from '../../../kit/texts.js';

const pollMs = 1_000;
const must = ['order_id', 'amount', 'currency'] as const;
const may = ['product', 'email', 'click_id'] as const;
const usual = ['product', 'email'] as const;
type Received = NonNullable<TrackingSnippets['data'][number]['lastCall']>;

/** Which fields the pixel passes back, its code, and the last call that came, live (TRK-18). */
export function PixelDialog({ onClose }: { readonly onClose: () => void }): ReactElement {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<readonly string[]>(usual);
  const [since, setSince] = useState<string | null>(null);
  const query = useQuery({
    ...getTrackingSnippetsOptions({ query: { kind: 'pixel', fields: [...must, ...chosen].join(',') } }),
    placeholderData: keepPreviousData, // the code changes in place
    refetchInterval: since === null ? false : pollMs,
    refetchIntervalInBackground: true, // the order is placed in another window
  });
  return (
    <Modal opened onClose={onClose} title={t('pixel.title')} size="lg" closeButtonProps={{ 'aria-label': t('close') }}>
      <Stack>
        <Text size="sm">{t('pixel.text')}</Text>
        <Checkbox.Group label={t('pixel.fields')} value={[...must, ...chosen]} onChange={setChosen}>
          <Stack gap="xs" mt="xs">
            {[...must, ...may].map((field) => (
              <Checkbox
                key={field}
                value={field}
                label={t(`pixel.field.${field}`)}
                description={t(`pixel.fieldHint.${field}`)}
                disabled={(must as readonly string[]).includes(field)}
              />
            ))}
          </Stack>
        </Checkbox.Group>
        <Loaded query={query} lines={3}>
          {({ data: [snippet] }) =>
            snippet === undefined ? null : (
              <Stack gap="sm">
                {snippet.publicKey === null ? <Text size="sm">{t('tracking.noKey')}</Text> : null}
                <Code block style={{ overflowWrap: 'anywhere', whiteSpace: 'pre-wrap' }}>
                  {snippet.code}
                </Code>
                <Group justify="space-between">
                  <CopyButton value={snippet.code}>
                    {({ copied, copy }) => (
                      <Button variant="default" onClick={copy} aria-label={`${t('copy')}: ${t('tracking.kind.pixel')}`}>
                        {t(copied ? 'copied' : 'copy')}
                      </Button>
                    )}
                  </CopyButton>
                  <Button
                    onClick={() => setSince(snippet.lastCall?.at ?? '')}
                    disabled={since !== null}
                    variant={since === null ? 'filled' : 'default'}
                  >
                    {t(since === null ? 'pixel.test' : 'pixel.testing')}
                  </Button>
                </Group>
                {since === null ? null : (
                  <LastCall call={snippet.lastCall} isNew={(snippet.lastCall?.at ?? '') > since} />
                )}
              </Stack>
            )
          }
        </Loaded>
      </Stack>
    </Modal>
  );
}

function LastCall({ call, isNew }: { readonly call: Received | null; readonly isNew: boolean }): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  const told = call === null ? [] : [...must, ...may].filter((field) => call.received[field] !== undefined);
  return (
    <Stack gap="xs" aria-live="polite">
      <Text fw={600}>{t(isNew ? 'pixel.came' : 'pixel.waits')}</Text>
      {call === null ? (
        <Text size="sm">{t('tracking.noCall')}</Text>
      ) : (
        <>
          <Text size="sm">
            {t('tracking.lastCall')} <DateText value={call.at} />
            {call.code === null ? '' : `: ${reason(call.code)}`}
          </Text>
          <Table>
            <Table.Caption>{t('pixel.received')}</Table.Caption>
            <Table.Tbody>
              {told.map((field) => (
                <Table.Tr key={field}>
                  <Table.Th scope="row">{t(`pixel.field.${field}`)}</Table.Th>
                  <Table.Td style={{ overflowWrap: 'anywhere' }}>{call.received[field]}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </>
      )}
    </Stack>
  );
}
