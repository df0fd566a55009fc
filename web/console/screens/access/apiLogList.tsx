import { Button, Code, Group, Stack } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getApiLogOptions } from '../../../client/@tanstack/react-query.gen.js';
import type { ApiLogEntry } from '../../../client/types.gen.js';
import { DateText } from '../../../kit/DateText.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { PageHead } from '../../../kit/Shell.js';
import { useReasonText } from '../../../kit/texts.js';

const outcomes = ['succeeded', 'refused'] as const;
const bodiless = new Set(['GET', 'HEAD', 'DELETE']);

/** The call as a command; the key is never in the log, so its place is named. */
function curlOf(call: ApiLogEntry): string {
  const body = bodiless.has(call.method)
    ? ''
    : ` -H 'Content-Type: application/json' -d '${JSON.stringify(call.payload)}'`;
  return `curl -X ${call.method} '${window.location.origin}${call.path}' -H 'Authorization: Bearer YOUR_KEY'${body}`;
}

/** The call as a line of TypeScript. */
function typeScriptOf(call: ApiLogEntry): string {
  const body = bodiless.has(call.method) ? '' : `, body: JSON.stringify(${JSON.stringify(call.payload)})`;
  const headers = `{ Authorization: \`Bearer \${key}\`, 'Content-Type': 'application/json' }`;
  return `await fetch('${window.location.origin}${call.path}', { method: '${call.method}', headers: ${headers}${body} });`;
}

/** Developers → Request log: every call of a machine with what became of it, to be sent again by hand (screens.md 3.21). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const reason = useReasonText();
  return (
    <>
      <PageHead title={t('apiLog.title')} text={t('apiLog.text')} />
      <ResourceTable<ApiLogEntry>
        screen="api-log"
        label={t('apiLog.title')}
        hasText
        list={(query) => getApiLogOptions({ query: query as never }) as never}
        rowLabel={(row) => `${row.method} ${row.path}`}
        rowDetail={(row) => <Call call={row} />}
        empty={{ title: t('apiLog.none'), text: t('apiLog.noneText') }}
        filters={[
          {
            field: 'outcome',
            label: t('apiLog.outcome'),
            options: outcomes.map((value) => ({ value, label: t(`apiLog.outcome.${value}`) })),
          },
          { field: 'keyId', label: t('apiLog.keyId') },
          { field: 'code', label: t('apiLog.code') },
          { field: 'requestId', label: t('apiLog.requestId') },
        ]}
        columns={[
          {
            key: 'at',
            title: t('apiLog.at'),
            sort: 'createdAt',
            render: (row) => <DateText value={row.at} />,
            csv: 'at',
          },
          { key: 'method', title: t('apiLog.method'), render: (row) => row.method, csv: 'method' },
          { key: 'path', title: t('apiLog.path'), render: (row) => <Code>{row.path}</Code>, csv: 'path' },
          { key: 'status', title: t('apiLog.status'), render: (row) => String(row.status), csv: 'status' },
          {
            key: 'code',
            title: t('apiLog.code'),
            render: (row) => (row.code === null ? '–' : reason(row.code)),
            csv: 'code',
          },
          {
            key: 'key',
            title: t('apiLog.key'),
            render: (row) => row.key?.name ?? row.key?.id ?? '–',
            csv: 'key.id',
          },
          { key: 'address', title: t('apiLog.address'), render: (row) => row.address ?? '–', csv: 'address' },
          {
            key: 'requestId',
            title: t('apiLog.requestId'),
            hidden: true,
            render: (row) => row.requestId ?? '–',
            csv: 'requestId',
          },
        ]}
      />
    </>
  );
}

function Call({ call }: { readonly call: ApiLogEntry }): ReactElement {
  const { t } = useTranslation();
  const clipboard = useClipboard({ timeout: 2_000 });
  return (
    <Stack>
      <Code block aria-label={t('apiLog.body')} tabIndex={0}>
        {JSON.stringify(call.payload, null, 2)}
      </Code>
      <Group>
        <Button variant="default" onClick={() => clipboard.copy(curlOf(call))}>
          {t('apiLog.curl')}
        </Button>
        <Button variant="default" onClick={() => clipboard.copy(typeScriptOf(call))}>
          {t('apiLog.typeScript')}
        </Button>
        <span role="status">{clipboard.copied ? t('apiLog.copied') : ''}</span>
      </Group>
    </Stack>
  );
}
