import { Button, NativeSelect, Switch, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactElement, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  getMessageTemplatesOptions,
  getMilestonesOptions,
  getProgramsOptions,
} from '../../../client/@tanstack/react-query.gen.js';
import { deleteMilestonesByMilestoneId, patchMilestonesByMilestoneId } from '../../../client/sdk.gen.js';
import type { MessageTemplate, Milestone } from '../../../client/types.gen.js';
import { postPath } from '../../../kit/api.js';
import { FormDialog } from '../../../kit/FormDialog.js';
import { useKeys } from '../../../kit/keys.js';
import { formatMoney } from '../../../kit/MoneyText.js';
import { NameLink } from '../../../kit/ObjectName.js';
import { ResourceTable } from '../../../kit/ResourceTable.js';
import { RowMenu } from '../../../kit/RowMenu.js';
import { useCan } from '../../../kit/session.js';
import { PageHead } from '../../../kit/Shell.js';

const measures = ['sales_amount', 'sales_count'] as const;

const markText = ({ threshold }: Milestone): string =>
  typeof threshold === 'number' ? String(threshold) : formatMoney(threshold);

/** Messages → Milestones: marks of sales, and what affiliates are written when they pass one (NTF-05 to NTF-07). */
export function Screen(): ReactElement {
  const { t } = useTranslation();
  const mayWrite = useCan()('message.write');
  const [edited, setEdited] = useState<Milestone | 'new' | null>(null);
  const templates = useQuery(getMessageTemplatesOptions({ query: { sort: 'name', limit: 200 } }));
  const written = templates.data?.data ?? [];
  useKeys({
    c: () => {
      if (mayWrite) setEdited('new');
    },
  });
  const create = mayWrite ? <Button onClick={() => setEdited('new')}>{t('milestone.new')}</Button> : undefined;
  return (
    <>
      <PageHead title={t('milestone.title')} text={t('milestone.text')} actions={create} />
      <ResourceTable<Milestone>
        screen="milestones"
        label={t('milestone.title')}
        list={(query) => getMilestonesOptions({ query: query as never }) as never}
        rowLabel={(row) => `${row.programName} ${markText(row)}`}
        rowActions={(row) => (
          <RowMenu
            row={`${row.programName} ${markText(row)}`}
            actions={mayWrite ? [{ key: 'edit', text: t('desk.change'), onPress: () => setEdited(row) }] : []}
          />
        )}
        filters={[
          { field: 'programId', label: t('milestone.program') },
          {
            field: 'active',
            label: t('milestone.active'),
            options: [
              { value: 'true', label: t('yes') },
              { value: 'false', label: t('no') },
            ],
          },
        ]}
        empty={{ title: t('milestone.none'), text: t('milestone.noneText'), action: create }}
        columns={[
          {
            key: 'program',
            title: t('milestone.program'),
            render: (row) => <NameLink to={`/programs/${row.programId}`} name={row.programName} />,
            csv: 'programName',
          },
          { key: 'by', title: t('milestone.by'), render: (row) => t(`milestone.by.${row.by}`), csv: 'by' },
          { key: 'threshold', title: t('milestone.mark'), align: 'right', render: markText },
          {
            key: 'template',
            title: t('milestone.template'),
            render: (row) => nameOf(written.find((one) => one.id === row.templateId)),
            csv: 'templateId',
          },
          { key: 'active', title: t('milestone.active'), render: (row) => t(row.active ? 'yes' : 'no'), csv: 'active' },
          { key: 'passed', title: t('milestone.passed'), align: 'right', render: (row) => row.passed, csv: 'passed' },
        ]}
      />
      {edited === null ? null : (
        <MilestoneForm
          milestone={edited === 'new' ? undefined : edited}
          templates={written}
          onClose={() => setEdited(null)}
        />
      )}
    </>
  );
}

function nameOf(template: MessageTemplate | undefined): string {
  return template === undefined ? '–' : `${template.name} (${template.language})`;
}

function MilestoneForm({
  milestone,
  templates,
  onClose,
}: {
  readonly milestone: Milestone | undefined;
  readonly templates: readonly MessageTemplate[];
  readonly onClose: () => void;
}): ReactElement {
  const { t } = useTranslation();
  const programs = useQuery({
    ...getProgramsOptions({ query: { limit: 200 } }),
    enabled: milestone === undefined,
  });
  const present = milestone?.threshold;
  const [programId, setProgramId] = useState(milestone?.programId ?? '');
  const [by, setBy] = useState<Milestone['by']>(milestone?.by ?? 'sales_amount');
  const [mark, setMark] = useState(
    present === undefined ? '' : typeof present === 'number' ? String(present) : present.amount,
  );
  const [currency, setCurrency] = useState(
    present === undefined || typeof present === 'number' ? '' : present.currency,
  );
  const [templateId, setTemplateId] = useState(milestone?.templateId ?? '');
  const [active, setActive] = useState(milestone?.active ?? true);
  const choose = (id: string): void => {
    setProgramId(id);
    setCurrency(programs.data?.data.find((one) => one.id === id)?.currency ?? currency);
  };
  const threshold =
    by === 'sales_count' ? Number(mark) : { amount: mark.trim(), currency: currency.trim().toUpperCase() };
  const of =
    milestone === undefined
      ? undefined
      : { path: { milestoneId: milestone.id }, headers: { 'If-Match': `"${milestone.version}"` } as never };
  const save = async (key: string): Promise<void> => {
    if (of === undefined) await postPath('/v1/milestones', { programId, by, threshold, templateId, active }, key);
    else await patchMilestonesByMilestoneId({ ...of, body: { threshold, templateId, active }, throwOnError: true });
  };
  return (
    <FormDialog
      title={t(milestone === undefined ? 'milestone.new' : 'desk.change')}
      submit={t(milestone === undefined ? 'milestone.create' : 'desk.save')}
      isReady={programId !== '' && templateId !== '' && (by === 'sales_amount' || /^[1-9]\d{0,8}$/.test(mark))}
      save={save}
      onClose={onClose}
      remove={
        of === undefined || milestone?.passed !== 0
          ? undefined
          : { text: t('desk.delete'), run: () => deleteMilestonesByMilestoneId({ ...of, throwOnError: true }) }
      }
    >
      {(errors) => (
        <>
          {milestone === undefined ? (
            <>
              <NativeSelect
                label={t('milestone.program')}
                value={programId}
                error={errors['programId']}
                onChange={(event) => choose(event.currentTarget.value)}
                data={[
                  { value: '', label: '–' },
                  ...(programs.data?.data ?? []).map((one) => ({ value: one.id, label: one.name })),
                ]}
              />
              <NativeSelect
                label={t('milestone.by')}
                value={by}
                onChange={(event) => setBy(event.currentTarget.value as Milestone['by'])}
                data={measures.map((value) => ({ value, label: t(`milestone.by.${value}`) }))}
              />
            </>
          ) : null}
          <TextInput
            label={t('milestone.mark')}
            description={t(by === 'sales_count' ? 'milestone.countHint' : 'milestone.amountHint')}
            value={mark}
            error={errors['threshold'] ?? errors['threshold.amount']}
            inputMode="decimal"
            required
            onChange={(event) => setMark(event.currentTarget.value)}
          />
          {by === 'sales_amount' ? (
            <TextInput
              label={t('run.currency')}
              value={currency}
              error={errors['threshold.currency']}
              maxLength={3}
              required
              onChange={(event) => setCurrency(event.currentTarget.value)}
            />
          ) : null}
          <NativeSelect
            label={t('milestone.template')}
            description={t(templates.length === 0 ? 'bulk.noTemplate' : 'milestone.templateHint')}
            value={templateId}
            error={errors['templateId']}
            onChange={(event) => setTemplateId(event.currentTarget.value)}
            data={[{ value: '', label: '–' }, ...templates.map((one) => ({ value: one.id, label: nameOf(one) }))]}
          />
          <Switch
            label={t('milestone.switch')}
            checked={active}
            onChange={(event) => setActive(event.currentTarget.checked)}
          />
        </>
      )}
    </FormDialog>
  );
}
