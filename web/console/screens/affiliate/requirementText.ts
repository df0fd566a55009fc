import { useTranslation } from 'react-i18next';
import type { Affiliate } from '../../../client/types.gen.js';

/** What is still missing, in the reader's language; a document by its name and how it stands (AFF-24). */
export function useRequirementText(): (open: Affiliate['openRequirements'][number]) => string {
  const { t } = useTranslation();
  return ({ code, detail, document }) =>
    document === undefined
      ? t(`requirement.${code}`, { defaultValue: detail })
      : `${document.label}: ${t(`document.state.${document.state}`)}`;
}
