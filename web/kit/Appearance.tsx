import { NativeSelect, useMantineColorScheme } from '@mantine/core';
import type { ReactElement } from 'react';
import { useTranslation } from 'react-i18next';
import { chooseLanguage, type Language, language, languages } from './i18n.js';

/** Theme and language of this browser, in the account's menu and on the profile. */
export function Appearance(): ReactElement {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <>
      <NativeSelect
        label={t('menu.theme')}
        value={colorScheme}
        onChange={(event) => setColorScheme(event.currentTarget.value as 'light' | 'dark' | 'auto')}
        data={(['auto', 'light', 'dark'] as const).map((value) => ({ value, label: t(`theme.${value}`) }))}
      />
      <NativeSelect
        label={t('menu.language')}
        value={language()}
        onChange={(event) => {
          chooseLanguage(event.currentTarget.value as Language).catch(() => undefined); // the texts stay as they are
        }}
        data={languages.map((value) => ({ value, label: t(`language.${value}`) }))}
      />
    </>
  );
}
