"""The calls that a Python client of xinference makes, against the server whose address is the argument.

Standard library only. Ends with status 0 when everything has the shape that such a client reads.
"""
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

BASE, CHECKPOINT = sys.argv[1], sys.argv[2]


def call(method, path, body=None):
    """Status and JSON of an answer; None for an empty one."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(BASE + path, data=data, method=method, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.loads(response.read() or "null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def ok(method, path, body=None):
    status, answer = call(method, path, body)
    assert status == 200, (method, path, status, answer)
    return answer


def refused(expected, method, path, body=None):
    status, answer = call(method, path, body)
    assert status == expected, (method, path, status, answer)
    assert isinstance(answer["detail"], str) and answer["detail"] == answer["error"]["message"]
    assert set(answer["error"]) >= {"message", "type", "param", "code"}
    return answer["detail"]


def wait_until_ready(uid):
    shares = [0.0]
    while True:
        instances = ok("GET", "/v1/models/instances?" + urllib.parse.urlencode({"model_uid": uid}))
        assert [each["model_uid"] for each in instances] == [uid]
        if instances[0]["status"] == "READY":
            return shares
        assert instances[0]["status"] in ("CREATING", "LOADING"), instances
        status, progress = call("GET", f"/v1/models/{uid}/progress")
        if status == 200:
            assert 0 <= progress["progress"] <= 1
            for each in progress["download_files"]:
                assert set(each) >= {"name", "downloaded_bytes", "total_bytes", "progress", "speed_bytes_per_second",
                                     "elapsed_seconds", "eta_seconds", "status"}
            shares.append(progress["progress"])
        time.sleep(0.02)


def check_cluster():
    assert ok("GET", "/v1/cluster/auth") == {"auth": False}
    assert set(ok("GET", "/v1/cluster/version")) >= {"version", "full-revisionid"}
    assert [each["node_type"] for each in ok("GET", "/v1/cluster/info?detailed=true")] == ["Supervisor", "Worker"]
    assert ok("GET", "/v1/cluster/devices") == 0
    assert isinstance(ok("GET", "/v1/address"), str)
    assert set(ok("GET", "/status")) == {"uptime", "workers"}


def check_names():
    names = ok("GET", "/v1/model_registrations/LLM")
    assert {"model_name": "deepseek-vl2", "is_builtin": True} in names
    entry = ok("GET", "/v1/model_registrations/LLM/deepseek-vl2")
    assert entry["context_length"] == 4096 and entry["model_ability"] == ["chat", "vision"]
    assert entry["stop_token_ids"] == [1] and entry["stop"] == ["<\uff5cend\u2581of\u2581sentence\uff5c>"]
    sizes = {spec["model_size_in_billions"]: spec for spec in entry["model_specs"]}
    assert sorted(sizes) == [3, 16, 27] and sizes[27]["activated_size_in_billions"] == "4_5"
    assert sizes[16]["model_src"]["modelscope"]["model_id"] == "deepseek-ai/deepseek-vl2-small"
    detailed = ok("GET", "/v1/model_registrations/LLM?detailed=true")
    assert entry in detailed
    for path in ("/v1/engines/deepseek-vl2", "/v1/engines/LLM/deepseek-vl2"):
        engines = ok("GET", path)
        assert {each["model_size_in_billions"] for each in engines["transformers"]} == {3, 16, 27}
    refused(404, "GET", "/v1/engines/deepseek-vl3")
    refused(400, "GET", "/v1/model_registrations/embedding")


def check_registration():
    spec = {"model_format": "pytorch", "model_size_in_billions": 3, "model_uri": "file://" + CHECKPOINT}
    entry = {"model_name": "tuned", "context_length": 4096, "model_lang": ["en"], "model_ability": ["chat", "vision"],
             "model_specs": [spec]}
    register = {"model": json.dumps(entry), "persist": True, "worker_ip": None}
    assert ok("POST", "/v1/model_registrations/LLM", register) is None
    assert {"model_name": "tuned", "is_builtin": False} in ok("GET", "/v1/model_registrations/LLM")
    assert ok("POST", "/v1/models", {"model_name": "tuned", "model_engine": "Transformers"}) == {"model_uid": "tuned"}
    assert ok("DELETE", "/v1/models/tuned") is None
    assert ok("DELETE", "/v1/model_registrations/LLM/tuned") is None
    refused(404, "DELETE", "/v1/model_registrations/LLM/tuned")
    refused(400, "DELETE", "/v1/model_registrations/LLM/deepseek-vl2")
    spec["model_uri"] = "file:///etc"
    assert "--allow-model-path" in refused(403, "POST", "/v1/model_registrations/LLM", {"model": json.dumps(entry)})
    assert "model_specs" in refused(400, "POST", "/v1/model_registrations/LLM", {"model": '{"model_name": "half"}'})


LAUNCH = {"model_name": "deepseek-vl2", "model_uid": None, "model_type": "LLM", "model_engine": "Transformers",
          "model_size_in_billions": 3, "model_format": "pytorch", "quantization": "none", "replica": 1, "n_worker": 1,
          "n_gpu": "auto", "request_limits": None, "peft_model_config": None, "worker_ip": None, "gpu_idx": None,
          "download_hub": None, "model_path": None, "enable_virtual_env": None, "virtual_env_packages": None, "envs": None}


def check_life():
    uid = ok("POST", "/v1/models?wait_ready=false", LAUNCH)["model_uid"]
    assert uid == "deepseek-vl2"
    status, answer = call("POST", "/v1/chat/completions", {"model": uid, "messages": [{"role": "user", "content": "Hi"}]})
    assert status in (200, 503), answer
    shares = wait_until_ready(uid)
    assert shares == sorted(shares), shares
    assert ok("GET", f"/v1/models/{uid}/progress")["progress"] == 1
    models = {each["id"]: each for each in ok("GET", "/v1/models")["data"]}
    wanted = {"id", "object", "created", "owned_by", "model_type", "address", "accelerators", "model_name", "model_lang",
              "model_ability", "model_description", "model_format", "model_size_in_billions", "model_family", "quantization",
              "multimodal_projector", "model_hub", "revision", "context_length", "replica", "max_model_len", "input_modalities"}
    assert set(models[uid]) >= wanted, wanted - set(models[uid])
    assert models[uid]["created"] > 1_700_000_000 and models[uid]["model_hub"] == "huggingface"
    assert ok("GET", f"/v1/models/{uid}") == models[uid]
    chat = {"model": uid, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 3}
    assert ok("POST", "/v1/chat/completions", chat)["usage"]["completion_tokens"] <= 3
    assert [each["status"] for each in ok("GET", f"/v1/models/{uid}/replicas")] == ["READY"]
    assert ok("GET", f"/v1/models/{uid}/events")[0]["event_type"] == "INFO"
    assert ok("POST", f"/v1/models/{uid}/requests/unknown/abort", {"block_duration": 30}) == {"msg": "NOT_FOUND"}
    refused(400, "POST", f"/v1/models/{uid}/replicas", {"replica": 2})
    refused(400, "POST", f"/v1/models/{uid}/cancel")
    refused(400, "POST", "/v1/models", dict(LAUNCH, model_uid=uid))
    assert ok("DELETE", f"/v1/models/{uid}") is None
    assert ok("GET", "/v1/models")["data"] == []
    refused(404, "GET", f"/v1/models/{uid}")
    refused(404, "DELETE", f"/v1/models/{uid}")


def check_refusals():
    assert "replica" in refused(400, "POST", "/v1/models", dict(LAUNCH, replica=2))
    for field, value in (("gpu_idx", [0]), ("peft_model_config", {"lora_list": []}), ("envs", {"A": "b"}), ("n_gpu", 2)):
        assert field in refused(400, "POST", "/v1/models", dict(LAUNCH, **{field: value}))
    assert "deepseek-vl2" in refused(404, "POST", "/v1/models", dict(LAUNCH, model_name="deepseek-v"))
    assert "27" in refused(400, "POST", "/v1/models", dict(LAUNCH, model_size_in_billions=28))
    assert "max_num_seqs" in refused(400, "POST", "/v1/models", dict(LAUNCH, max_num_seqs="many"))
    refused(403, "POST", "/v1/models", dict(LAUNCH, model_path="/etc"))
    assert ok("GET", "/v1/models/instances") == []


def check_cache():
    cached = ok("GET", "/v1/cache/models?model_name=deepseek-vl2")["list"]
    assert [each["model_version"] for each in cached] == ["deepseek-vl2--3B--pytorch--none"], cached
    assert set(cached[0]) >= {"model_name", "model_size_in_billions", "model_format", "quantization", "model_version", "path",
                              "real_path", "actor_ip_address"}
    query = urllib.parse.urlencode({"model_version": cached[0]["model_version"]})
    assert ok("GET", "/v1/cache/models/files?" + query)["paths"]
    assert ok("DELETE", "/v1/cache/models?" + query) == {"result": True}
    assert ok("GET", "/v1/cache/models")["list"] == []
    refused(404, "DELETE", "/v1/cache/models?" + query)


for check in (check_cluster, check_names, check_registration, check_refusals, check_life, check_cache):
    check()
    print(check.__name__)
