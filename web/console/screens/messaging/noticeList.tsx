import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getNoticesOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postNoticesByNoticeIdRead } from '../../../client/sdk.gen.js';
import { NoticeCenter } from '../../../kit/NoticeCenter.js';
import { PageHead } from '../../../kit/Shell.js';

/** What I was told inside the product (screens.md 3.25). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  return (
    <>
      <PageHead title={t('notice.title')} text={t('notice.text')} />
      <NoticeCenter
        list={(query) => getNoticesOptions({ query: query as never }) as never}
        read={(noticeId) => postNoticesByNoticeIdRead({ path: { noticeId }, throwOnError: true })}
        acknowledge={null}
      />
    </>
  );
}
