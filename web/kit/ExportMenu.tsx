import { Button, Menu } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import type { useExport } from './useExport.js';

/** What a page of a PDF has room for (api.md 1.6). */
const mostPdfColumns = 24;

/** This view as a file: CSV or PDF (screens.md 1.1). */
export function ExportMenu({
  exporting,
  columns = 0,
}: {
  readonly exporting: ReturnType<typeof useExport>;
  /** Fields of the view. */
  readonly columns?: number;
}): ReactElement {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <Button size="compact-sm" variant="default" loading={exporting.isPending}>
          {t('list.export')}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => exporting.save('csv')}>{t('export.csv')}</Menu.Item>
        {columns > mostPdfColumns ? (
          <Menu.Label>{t('export.tooWide', { count: mostPdfColumns })}</Menu.Label>
        ) : (
          <Menu.Item onClick={() => exporting.save('pdf')}>{t('export.pdf')}</Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
