import { Plus } from "lucide-react";
import { useState } from "react";

import { api, data, done } from "@/api/client";
import { useAction } from "@/api/queries";
import { useSession } from "@/api/session";
import type { Project } from "@/api/types";
import { Button } from "@/components/Button";
import { Confirm, Dialog, DialogForm } from "@/components/Dialog";
import { Field } from "@/components/Field";
import { Cell, Head, Row, Table } from "@/components/Table";
import { Time } from "@/components/Time";
import { useTranslate } from "@/i18n/translate";
import { useProject } from "@/shell/project";
import { Section } from "./Section";

export function Projects() {
  const t = useTranslate();
  const { may } = useSession();
  const { all } = useProject();
  const [edited, setEdited] = useState<Project | "new" | null>(null);
  return (
    <Section
      note={t("projects.note")}
      action={
        may("project:write") && (
          <Button kind="primary" icon={Plus} onClick={() => setEdited("new")}>
            {t("projects.new")}
          </Button>
        )
      }
    >
      <Table label={t("settings.projects")}>
        <thead>
          <tr>
            <Head>{t("queues.name")}</Head>
            <Head>{t("projects.id")}</Head>
            <Head>{t("job.created")}</Head>
            <Head>
              <span className="sr-only">{t("action.actions")}</span>
            </Head>
          </tr>
        </thead>
        <tbody>
          {all.map((project) => (
            <ProjectRow key={project.id} project={project} onRename={() => setEdited(project)} />
          ))}
        </tbody>
      </Table>
      {edited !== null && <ProjectDialog project={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </Section>
  );
}

function ProjectRow({ project, onRename }: { project: Project; onRename: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const { may } = useSession();
  const [isRemoving, setRemoving] = useState(false);
  const path = { params: { path: { project_id: project.id } } };
  return (
    <Row>
      <Cell className="untrusted font-medium">{project.name}</Cell>
      <Cell className="font-mono text-xs text-muted">{project.id}</Cell>
      <Cell>
        <Time at={project.created_at} />
      </Cell>
      <Cell className="text-right whitespace-nowrap">
        {may("project:write") && (
          <>
            <Button kind="quiet" onClick={onRename}>
              {t("projects.rename")}
            </Button>
            <Button kind="quiet" onClick={() => setRemoving(true)}>
              {t("action.delete")}
            </Button>
          </>
        )}
        <Confirm
          title={t("projects.delete")}
          isOpen={isRemoving}
          onClose={() => setRemoving(false)}
          submit={t("action.delete")}
          typed={project.name}
          onConfirm={async () => void (await action(() => done(api.DELETE("/api/v1/projects/{project_id}", path)), t("projects.deleted")))}
        >
          <p className="text-left">{t("projects.delete_hint")}</p>
        </Confirm>
      </Cell>
    </Row>
  );
}

function ProjectDialog({ project, onClose }: { project: Project | null; onClose: () => void }) {
  const t = useTranslate();
  const action = useAction();
  const [name, setName] = useState(project?.name ?? "");
  const save = () =>
    action(
      () =>
        project === null
          ? data(api.POST("/api/v1/projects", { body: { name } }))
          : done(api.PATCH("/api/v1/projects/{project_id}", { params: { path: { project_id: project.id } }, body: { name } })),
      t("projects.saved"),
    );
  return (
    <Dialog title={t(project === null ? "projects.new" : "projects.rename")} isOpen onClose={onClose}>
      <DialogForm
        submit={t("action.save")}
        isDisabled={name.trim() === ""}
        onCancel={onClose}
        onSubmit={async () => {
          if (await save()) onClose();
        }}
      >
        <Field label={t("queues.name")}>
          <input className="field" maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
        </Field>
      </DialogForm>
    </Dialog>
  );
}
