CREATE TABLE jobs (
    job_id {serial} NOT NULL,
    task VARCHAR(32) NOT NULL,
    content_digest VARCHAR(64) NOT NULL,
    model_digest VARCHAR(64) NOT NULL,
    precision VARCHAR(8) NOT NULL,
    state VARCHAR(16) NOT NULL,
    done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    message TEXT NOT NULL,
    error TEXT NOT NULL,
    priority INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    owner VARCHAR(64) NOT NULL,
    lease_until {time},
    created_at {time} NOT NULL,
    queued_at {time} NOT NULL,
    sent_at {time},
    started_at {time},
    finished_at {time},
    PRIMARY KEY (job_id),
    UNIQUE (content_digest, model_digest, precision)
);
CREATE INDEX jobs_by_state ON jobs (state, priority, queued_at);
CREATE TABLE readers (
    reader_id VARCHAR(64) NOT NULL,
    name TEXT NOT NULL,
    settings JSON NOT NULL,
    changed_at {time} NOT NULL,
    PRIMARY KEY (reader_id)
);
CREATE TABLE schema (
    "row" {serial} NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY ("row")
);
CREATE TABLE sources (
    origin VARCHAR(16) NOT NULL,
    name TEXT NOT NULL,
    state VARCHAR(64) NOT NULL,
    errors JSON NOT NULL,
    read_at {time} NOT NULL,
    PRIMARY KEY (origin, name)
);
CREATE TABLE studies (
    study_id VARCHAR(16) NOT NULL,
    case_id TEXT NOT NULL,
    identity VARCHAR(64) NOT NULL,
    content_digest VARCHAR(64) NOT NULL,
    data_digest VARCHAR(64) NOT NULL,
    patient TEXT NOT NULL,
    study_date TEXT NOT NULL,
    description TEXT NOT NULL,
    synthetic BOOLEAN NOT NULL,
    origin VARCHAR(16) NOT NULL,
    source TEXT NOT NULL,
    sequences JSON NOT NULL,
    indices JSON NOT NULL,
    height INTEGER NOT NULL,
    width INTEGER NOT NULL,
    has_reference BOOLEAN NOT NULL,
    warnings JSON NOT NULL,
    display JSON NOT NULL,
    added_at {time} NOT NULL,
    PRIMARY KEY (study_id),
    UNIQUE (identity)
);
CREATE INDEX ix_studies_case_id ON studies (case_id);
CREATE INDEX ix_studies_content_digest ON studies (content_digest);
CREATE INDEX ix_studies_origin ON studies (origin);
CREATE TABLE mask_drafts (
    study_id VARCHAR(16) NOT NULL,
    reader_id VARCHAR(64) NOT NULL,
    revision INTEGER NOT NULL,
    writer VARCHAR(64) NOT NULL,
    step INTEGER NOT NULL,
    based_on JSON NOT NULL,
    content {blob} NOT NULL,
    ai_content {blob},
    changed_at {time} NOT NULL,
    PRIMARY KEY (study_id, reader_id),
    FOREIGN KEY(study_id) REFERENCES studies (study_id) ON DELETE CASCADE
);
CREATE TABLE mask_versions (
    version_id {serial} NOT NULL,
    study_id VARCHAR(16) NOT NULL,
    number INTEGER NOT NULL,
    reader_id VARCHAR(64) NOT NULL,
    author TEXT NOT NULL,
    based_on JSON NOT NULL,
    facts JSON NOT NULL,
    content {blob} NOT NULL,
    ai_content {blob},
    saved_at {time} NOT NULL,
    PRIMARY KEY (version_id),
    UNIQUE (study_id, number),
    FOREIGN KEY(study_id) REFERENCES studies (study_id) ON DELETE CASCADE
);
CREATE INDEX ix_mask_versions_study_id ON mask_versions (study_id);
CREATE TABLE measurements (
    study_id VARCHAR(16) NOT NULL,
    reader_id VARCHAR(64) NOT NULL,
    revision INTEGER NOT NULL,
    content JSON NOT NULL,
    changed_at {time} NOT NULL,
    PRIMARY KEY (study_id, reader_id),
    FOREIGN KEY(study_id) REFERENCES studies (study_id) ON DELETE CASCADE
);
CREATE TABLE results (
    job_id INTEGER NOT NULL,
    highest_score {float} NOT NULL,
    volume_ml {float},
    called_slices INTEGER NOT NULL,
    mask_slices INTEGER NOT NULL,
    engine TEXT NOT NULL,
    stored_at {time} NOT NULL,
    PRIMARY KEY (job_id),
    FOREIGN KEY(job_id) REFERENCES jobs (job_id) ON DELETE CASCADE
);
