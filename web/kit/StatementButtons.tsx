import { Button, Group, Stack } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { readFile } from './api.js';
import { ErrorView } from './ErrorView.js';
import { saveFile } from './saveFile.js';

const formats = [
  { format: 'pdf', type: 'application/pdf' },
  { format: 'csv', type: 'text/csv;charset=utf-8' },
] as const;

/** The statement behind a payout as a file (PAY-21). `path`: of the statement, staff's or the affiliate's own. */
export function StatementButtons({ path, name }: { readonly path: string; readonly name: string }): ReactElement {
  const { t } = useTranslation();
  const download = useMutation({
    mutationFn: async ({ format, type }: (typeof formats)[number]) =>
      saveFile(`${name}.${format}`, await readFile(path, { format }), type),
  });
  return (
    <Stack gap="xs">
      <Group gap="xs">
        {formats.map((one) => (
          <Button
            key={one.format}
            variant="default"
            size="compact-md"
            loading={download.isPending && download.variables.format === one.format}
            onClick={() => download.mutate(one)}
          >
            {t(`payout.statement.${one.format}`)}
          </Button>
        ))}
      </Group>
      {download.error === null ? null : <ErrorView error={download.error} />}
    </Stack>
  );
}
