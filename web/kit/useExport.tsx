import { Button, Group, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient, type UseQueryOptions } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Export } from '../client/types.gen.js';
import { postPath, readFile, readPath } from './api.js';
import { formatInstant, useZone } from './DateText.js';
import { useProblemText } from './ErrorView.js';
import { locale } from './i18n.js';
import { isProblem } from './problem.js';
import { saveFile } from './saveFile.js';

export type ExportFormat = 'csv' | 'pdf';

const types: Readonly<Record<ExportFormat, string>> = { csv: 'text/csv;charset=utf-8', pdf: 'application/pdf' };
const pollMs = 1_000;

/** A list as it is shown: what makes it a file (screens.md 1.1). */
export interface ShownList {
  /** Of the file, without its ending. */
  readonly name: string;
  /** The generated query of the collection. */
  readonly list: (query: Readonly<Record<string, string>>) => UseQueryOptions<never, never, never, never>;
  /** Filters and order of the view. */
  readonly query: Readonly<Record<string, string>>;
  /** Fields as the API names them; left out: all. */
  readonly columns?: readonly string[];
}

/**
 * The view as a file, made by the server from the same list: rows, rights and masks are those of the screen (api.md 1.6). What is too large for
 * an answer is made in the background; how far it is stands in a notice that stays while its reader goes on, and offers the file.
 */
export function useExport({ name, list, query, columns }: ShownList): {
  readonly isPending: boolean;
  readonly save: (format: ExportFormat) => void;
} {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const problemText = useProblemText();
  const zone = useZone();

  const tell = (id: string, color: string, title: string, message: ReactNode, isBusy = false): void => {
    const notice = { id, color, title, message, loading: isBusy, autoClose: false as const };
    if (!shown.has(id)) notifications.show({ ...notice, onClose: () => shown.delete(id) });
    else notifications.update(notice);
    shown.add(id);
  };
  const tellProblem = (error: unknown): void => {
    const { title, detail } = problemText(error);
    notifications.show({ title, message: detail, color: 'red' });
  };
  const offerCsv = (id: string): void =>
    tell(
      id,
      'red',
      t('export.failed'),
      <Offer text={t('export.tooLong')} action={t('export.csvInstead')} onPress={() => save.mutate('csv')} />,
    );

  /** Until it is over, wherever the reader is meanwhile. */
  const follow = async (first: Export): Promise<void> => {
    let made = first;
    while (made.finishedAt === null) {
      const { operationId } = made;
      const cancel = (): void => {
        postPath(`/v1/operations/${operationId}/cancel`, {}).catch(tellProblem);
      };
      const text =
        made.total === null
          ? t('export.rows', { rows: format(made.rows) })
          : t('export.rowsOf', { rows: format(made.rows), total: format(made.total) });
      const stop = <Offer text={text} action={t('cancel')} onPress={cancel} />;
      tell(made.id, 'blue', t('export.running'), stop, true);
      await new Promise((resolve) => {
        window.setTimeout(resolve, pollMs);
      });
      made = await readPath<Export>(`/v1/exports/${made.id}`);
    }
    const { id, fileName, expiresAt } = made;
    if (made.status === 'done' && fileName !== null && expiresAt !== null) {
      const fetchFile = (): void => {
        readFile(`/v1/exports/${id}/content`, {}).then(
          (content) => saveFile(fileName, content, types[made.format]),
          tellProblem,
        );
      };
      const text = t('export.readyText', { rows: format(made.rows), until: formatInstant(expiresAt, zone, true) });
      tell(id, 'green', t('export.ready'), <Offer text={text} action={t('export.download')} onPress={fetchFile} />);
    } else if (made.code === 'export_too_large') offerCsv(id);
    else if (made.status === 'cancelled') tell(id, 'gray', t('export.cancelled'), '');
    else
      tell(id, 'red', t('export.failed'), t(`problem.${made.code ?? 'internal'}`, { defaultValue: made.code ?? '' }));
  };

  const save = useMutation({
    mutationFn: async (wanted: ExportFormat) => {
      const file = { ...query, format: wanted, ...(columns === undefined ? {} : { columns: columns.join(',') }) };
      const options = list(file) as unknown as UseQueryOptions<string | Blob, Error, string | Blob>;
      try {
        const content = await queries.fetchQuery({ ...options, gcTime: 0, staleTime: 0, retry: false });
        saveFile(`${name}.${wanted}`, content, types[wanted]);
      } catch (error) {
        // The refusal says what a background export is to be asked for.
        const { resource, filter } = isProblem(error, 'export_too_large') ? error.members : {};
        if (typeof resource !== 'string') throw error;
        const order = { resource, filter, format: wanted, ...(columns === undefined ? {} : { columns }) };
        const made = await postPath<Export>('/v1/exports', order);
        follow(made).catch(tellProblem);
      }
    },
    onError: (error, wanted) => {
      if (wanted === 'pdf' && isProblem(error, 'export_too_large')) offerCsv(`${name}.pdf`);
      else tellProblem(error);
    },
  });
  return { isPending: save.isPending, save: save.mutate };
}

/** Notices that stand there now. */
const shown = new Set<string>();

function Offer({
  text,
  action,
  onPress,
}: {
  readonly text: string;
  readonly action: string;
  readonly onPress: () => void;
}): ReactNode {
  return (
    <Stack gap="xs">
      <Text size="sm">{text}</Text>
      <Group>
        <Button size="compact-sm" variant="default" onClick={onPress}>
          {action}
        </Button>
      </Group>
    </Stack>
  );
}

function format(count: number): string {
  return new Intl.NumberFormat(locale()).format(count);
}
