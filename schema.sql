-- The newest full schema of proxyd's database. proxyd/store/migrations.py holds the steps that lead here from
-- older files; a test proves that both roads give the same schema. Change both in one commit.
--
-- Secrets (passwords, and upstream URIs because some NVRs put the password into them) are Fernet tokens.
-- ids are AUTOINCREMENT so that an id once shown to a user is never given to something else.

CREATE TABLE settings (
    key   TEXT NOT NULL PRIMARY KEY CHECK (length(key) BETWEEN 1 AND 64),
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per account: of an NVR ("" where an RTSP source needs none), of one camera, or the default pair that all
-- other cameras share.
CREATE TABLE credentials (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    owner    TEXT NOT NULL CHECK (owner IN ('nvr', 'camera', 'default')),
    username TEXT NOT NULL CHECK (length(username) <= 64 AND (length(username) > 0 OR owner = 'nvr')),
    secret   TEXT NOT NULL CHECK (length(secret) > 0)
) STRICT;

CREATE UNIQUE INDEX credentials_one_default ON credentials (owner) WHERE owner = 'default';

-- Kind rtsp: cameras that are known by their stream addresses alone, one row per host, port and account.
CREATE TABLE nvrs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    name            TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 300),
    host            TEXT NOT NULL CHECK (length(host) BETWEEN 1 AND 255),
    port            INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),
    credential_id   INTEGER NOT NULL UNIQUE REFERENCES credentials (id) ON DELETE RESTRICT,
    manufacturer    TEXT NOT NULL DEFAULT '',
    model           TEXT NOT NULL DEFAULT '',
    firmware        TEXT NOT NULL DEFAULT '',
    serial          TEXT NOT NULL DEFAULT '',
    clock_offset_s  REAL,
    channel_count   INTEGER,
    last_scan       TEXT,
    auth_failed     INTEGER NOT NULL DEFAULT 0 CHECK (auth_failed IN (0, 1)),
    kind            TEXT NOT NULL DEFAULT 'onvif' CHECK (kind IN ('onvif', 'rtsp')),
    transport       TEXT NOT NULL DEFAULT 'auto' CHECK (transport IN ('auto', 'tcp', 'udp'))
) STRICT;

CREATE UNIQUE INDEX nvrs_one_address ON nvrs (host, port) WHERE kind = 'onvif';

-- What the NVR has. `features` is ChannelFeatures as JSON. `number` is what the user first saw and stays; `ignored` remembers a removed camera.
CREATE TABLE channels (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    nvr_id       INTEGER NOT NULL REFERENCES nvrs (id) ON DELETE CASCADE,
    key          TEXT NOT NULL,
    number       INTEGER NOT NULL,
    name         TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('online', 'offline', 'missing')),
    ignored      INTEGER NOT NULL DEFAULT 0 CHECK (ignored IN (0, 1)),
    snapshot_uri TEXT,
    features     TEXT NOT NULL DEFAULT '{}',
    UNIQUE (nvr_id, key)
) STRICT;

-- A stream keeps its row when the NVR no longer offers it (`uri` is NULL then): recorders remember its path.
CREATE TABLE streams (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id            INTEGER NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
    name                  TEXT NOT NULL CHECK (name IN ('main', 'sub')),
    profile_token         TEXT NOT NULL,
    codec                 TEXT NOT NULL CHECK (codec IN ('H264', 'H265', 'JPEG', 'MPEG4')),
    width                 INTEGER NOT NULL CHECK (width >= 0),
    height                INTEGER NOT NULL CHECK (height >= 0),
    fps                   INTEGER NOT NULL CHECK (fps >= 0),
    bitrate_kbps          INTEGER NOT NULL CHECK (bitrate_kbps >= 0),
    uri                   TEXT,
    gov_length            INTEGER NOT NULL CHECK (gov_length >= 0),
    codec_profile         TEXT NOT NULL,
    quality               REAL NOT NULL,
    audio_codec           TEXT CHECK (audio_codec IN ('G711', 'G726', 'AAC')),
    audio_bitrate_kbps    INTEGER,
    audio_sample_rate_khz INTEGER,
    UNIQUE (channel_id, name),
    CHECK ((audio_codec IS NULL) = (audio_bitrate_kbps IS NULL)),
    CHECK ((audio_codec IS NULL) = (audio_sample_rate_khz IS NULL))
) STRICT;

-- Every interface ever seen. `released` is 0 for one that no camera ever had, else it counts upwards: the
-- greater, the later it was freed, and the later it is given out again. `present` is 0 while it is gone.
-- `port_offset` is added to its camera's ports: not 0 only where cameras share an address.
CREATE TABLE interfaces (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    name          TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    mac           TEXT NOT NULL UNIQUE CHECK (length(mac) = 17 AND mac = lower(mac)),
    address       TEXT,
    prefix_length INTEGER NOT NULL CHECK (prefix_length BETWEEN 0 AND 128),
    kind          TEXT NOT NULL CHECK (kind IN ('loopback', 'netlink', 'shared')),
    released      INTEGER NOT NULL DEFAULT 0 CHECK (released >= 0),
    present       INTEGER NOT NULL DEFAULT 1 CHECK (present IN (0, 1)),
    port_offset   INTEGER NOT NULL DEFAULT 0 CHECK (port_offset BETWEEN 0 AND 1023)
) STRICT;

-- RESTRICT everywhere: a camera is only removed on purpose, and then its interface is marked as released.
-- `settings` is CameraSettings as JSON; `adopted_by` the recorder that took it in, "" while none has.
CREATE TABLE cameras (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id    INTEGER NOT NULL UNIQUE REFERENCES channels (id) ON DELETE RESTRICT,
    interface_id  INTEGER UNIQUE REFERENCES interfaces (id) ON DELETE RESTRICT,
    credential_id INTEGER UNIQUE REFERENCES credentials (id) ON DELETE RESTRICT,
    name          TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
    uuid          TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
    serial        TEXT NOT NULL UNIQUE CHECK (length(serial) = 12),
    http_port     INTEGER NOT NULL CHECK (http_port BETWEEN 1 AND 65535),
    rtsp_port     INTEGER NOT NULL CHECK (rtsp_port BETWEEN 1 AND 65535),
    enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    discovery     INTEGER NOT NULL DEFAULT 1 CHECK (discovery IN (0, 1)),
    settings      TEXT NOT NULL DEFAULT '{}',
    adopted_by    TEXT NOT NULL DEFAULT ''
) STRICT;

-- Accounts of a camera besides its own, made by recorders.
CREATE TABLE camera_users (
    camera_id INTEGER NOT NULL REFERENCES cameras (id) ON DELETE CASCADE,
    username  TEXT NOT NULL CHECK (length(username) BETWEEN 1 AND 64),
    secret    TEXT NOT NULL CHECK (length(secret) > 0),
    level     TEXT NOT NULL CHECK (level IN ('Administrator', 'Operator', 'User')),
    PRIMARY KEY (camera_id, username)
) STRICT, WITHOUT ROWID;

-- HTTPS certificates; `secret` is the private key.
CREATE TABLE camera_certificates (
    camera_id INTEGER NOT NULL PRIMARY KEY REFERENCES cameras (id) ON DELETE CASCADE,
    chain     TEXT NOT NULL,
    secret    TEXT NOT NULL
) STRICT;

-- What happened, for people: events and who did what.
CREATE TABLE log (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      TEXT NOT NULL,
    level   TEXT NOT NULL CHECK (level IN ('info', 'warning', 'error')),
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    actor   TEXT NOT NULL DEFAULT ''
) STRICT;
