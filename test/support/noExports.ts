import type { ExportDeps } from '../../activities/reporting/listExport.js';

/** For tests whose jobs write no lists into files: one that does fails. */
export const noExports: ExportDeps = {
  exportDesk: { make: () => Promise.reject(new Error('this test makes no exports')) },
};
