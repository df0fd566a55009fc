import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { getMeNoticesOptions, getMeProfileOptions } from '../../../client/@tanstack/react-query.gen.js';
import { postMeNoticesByNoticeIdAcknowledge, postMeNoticesByNoticeIdRead } from '../../../client/sdk.gen.js';
import { NoticeCenter } from '../../../kit/NoticeCenter.js';
import { PageHead } from '../../../kit/Shell.js';

/** Unread first; acknowledge where required (screens.md 6). Who may change nothing reads them all the same. */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const { data } = useQuery(getMeProfileOptions());
  const mayWrite = data?.mayWrite === true;
  return (
    <>
      <PageHead title={t('notice.title')} text={t('notice.text')} />
      <NoticeCenter
        list={(query) => getMeNoticesOptions({ query: query as never }) as never}
        read={mayWrite ? (noticeId) => postMeNoticesByNoticeIdRead({ path: { noticeId }, throwOnError: true }) : null}
        acknowledge={
          mayWrite ? (noticeId) => postMeNoticesByNoticeIdAcknowledge({ path: { noticeId }, throwOnError: true }) : null
        }
      />
    </>
  );
}
