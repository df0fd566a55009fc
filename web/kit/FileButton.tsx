import { Group } from '@mantine/core';
import type { ReactElement } from 'react';
import { ExportMenu } from './ExportMenu.js';
import { type ShownList, useExport } from './useExport.js';

const noFilter: ShownList['query'] = {};

/** The same read as a file: the server makes it (api.md 1.6). For what is no `ResourceTable`. */
export function FileButton({
  name,
  query,
}: {
  readonly name: string;
  readonly query: ShownList['list'];
}): ReactElement {
  const exporting = useExport({ name, list: query, query: noFilter });
  return (
    <Group justify="flex-end" mb="xs" className="no-print">
      <ExportMenu exporting={exporting} />
    </Group>
  );
}
